using System.CommandLine;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Control.Contracts;
using Demarc.Governance.Boundaries;

namespace Demarc.Commands;

/// <summary><c>demarc contracts</c>: the register of agreements and processors in use, and the records made of it.</summary>
internal static class ContractsCommand
{
    private const string Register = "register", Gdpr = "gdpr-article-30", Dora = "dora";

    private static readonly JsonSerializerOptions Indented = new(AdminAnswer.Wire) { WriteIndented = true };

    public static Command Create()
    {
        var format = new Option<string>("--format") { Description = "register, gdpr-article-30 (a record of processing activities) or dora (a register of information)", DefaultValueFactory = _ => Register };
        format.AcceptOnlyFromAmong(Register, Gdpr, Dora);
        var table = new Option<string>("--table") { Description = "With --format dora: B_02.01, B_02.02, B_05.01 or B_05.02", DefaultValueFactory = _ => "B_02.02" };
        table.AcceptOnlyFromAmong("B_02.01", "B_02.02", "B_05.01", "B_05.02");
        var csv = new Option<bool>("--csv") { Description = "Print CSV" };
        return new Command("contracts", "The register of agreements and processors in use, also as GDPR and DORA records") { format, table, csv }.Runs(context =>
        {
            var register = ContractRegister.Of(context.Files.Config.OrganizationName ?? "", context.Files.Snapshot, context.Time.GetUtcNow());
            switch (context.Get(format))
            {
                case Gdpr when context.Output.IsJson:
                    Print(Article30.Recipients(register));
                    break;
                case Gdpr:
                    Console.Write(context.Get(csv) ? Article30.Recipients(register).ToCsv() : Article30.ToMarkdown(register));
                    break;
                case Dora when context.Output.IsJson:
                    Print(DoraRegister.Tables(register));
                    break;
                case Dora:
                    Console.Write(DoraRegister.Tables(register).First(t => t.Name == context.Get(table)).ToCsv());
                    break;
                case var _ when context.Get(csv):
                    Console.Write(register.Table().ToCsv());
                    break;
                default:
                    Show(context, register);
                    break;
            }
            return Task.CompletedTask;
        });
    }

    private static void Show(CommandContext context, ContractRegister register)
    {
        var uncovered = register.Uncovered.GroupBy(p => (p.Party, p.Deployment)).Select(g => (g.Key.Party, Deployment: g.Key.Deployment.FullName, Hops: g.Select(p => p.Hop.Wire()).ToArray())).ToArray();
        if (context.Output.IsJson)
        {
            context.Output.One(new
            {
                Type = "contracts",
                register.Organization,
                Agreements = register.Agreements.Select(r => new
                {
                    r.Agreement.Name,
                    r.Agreement.Party,
                    r.Agreement.Category,
                    r.Agreement.Scope,
                    r.Agreement.From,
                    r.Agreement.Until,
                    r.Status,
                    r.Zdr,
                    r.Baa,
                    r.Agreement.Terms,
                    r.Agreement.Accepted,
                    r.Agreement.AcceptedBy,
                    Deployments = r.Deployments.Select(d => d.FullName),
                    r.Agreement.Place,
                }),
                Processors = register.Processors.Select(p => new
                {
                    p.Party,
                    Hop = p.Hop.Wire(),
                    Deployment = p.Deployment.FullName,
                    p.Geography,
                    Agreements = p.Agreements.Select(a => a.Name),
                }),
            });
            return;
        }
        if (register.Agreements.Length == 0)
            Console.Error.WriteLine($"No agreement is described. Describe them in {context.Files.Path} under agreements.");
        else
            Output.Table(register.Table().Columns, register.Table().Rows);
        foreach (var (party, deployment, hops) in uncovered)
            Console.Error.WriteLine($"{deployment}: {party} processes ({string.Join(", ", hops)}), and no agreement with {party} is in force for it.");
    }

    private static void Print<T>(T value) => Console.WriteLine(JsonSerializer.Serialize(value, Indented));
}
