using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Serving;

namespace Demarc.Commands;

/// <summary><c>demarc advise</c>: holds requirements against each way to buy and run Claude, alone and behind Demarc.</summary>
internal static class AdviseCommand
{
    private static readonly JsonSerializerOptions Indented = new(AdminAnswer.Wire) { WriteIndented = true };

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The requirements (YAML); see docs/advise.md" };
        var way = new Option<string?>("--way") { Description = "One way in full: every verdict with its reason and sources" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var markdown = new Option<bool>("--markdown") { Description = "Print Markdown, with every verdict, reason and source" };
        return new Command("advise", "Judge each way to buy and run Claude by your requirements") { file, way, json, markdown }.Runs(parsed =>
        {
            var (known, catalog) = InstallationFiles.LoadWays();
            var path = parsed.GetRequiredValue(file);
            var (asked, problems) = RequirementsFile.Read(path, known, catalog);
            if (problems.Count > 0)
                throw new CommandException(string.Join('\n', problems.Select(p => $"{path}:{p.Line}:{p.Column}: {(p.Path.Length > 0 ? p.Path + ": " : "")}{p.Message}")));
            var judged = Advice.Judge(known, asked);
            if (parsed.GetValue(way) is { } id)
            {
                judged = [.. judged.Where(j => j.Way.Id == id)];
                if (judged.Length == 0)
                    throw new CommandException($"There is no way {id}. There are: {string.Join(", ", known.Ways.Select(w => w.Id))}.");
            }
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(Shape(judged), Indented));
            else if (parsed.GetValue(markdown))
                Console.Write(AdviceMarkdown.Of(judged));
            else if (parsed.GetValue(way) is not null)
                InFull(judged);
            else
                InShort(judged);
            return Task.FromResult(0);
        });
    }

    /// <summary>The way, and whether behind Demarc.</summary>
    internal static string Title(JudgedWay judged) => judged.Way.Title + (judged.IsBehind ? ", behind Demarc" : "");

    /// <summary>The verdict, with what it will be once Demarc has built what it plans.</summary>
    internal static string Text(Judged judged) => judged.Verdict.Text() + (judged.Planned is { } planned ? $" ({planned.Text()} planned)" : "");

    internal static string Sources(CatalogSource[] sources) =>
        string.Join("; ", sources.Select(s => $"{s.Title}, {s.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}"));

    /// <summary>What stands against it, in short: <c>zdr, batches</c>; null for nothing.</summary>
    internal static string? Names(JudgedWay judged, params Verdict[] verdicts) =>
        string.Join(", ", verdicts.SelectMany(judged.With).Select(j => j.Asked.Requirement.Key)) is { Length: > 0 } names ? names : null;

    private static void InShort(JudgedWay[] judged)
    {
        var ways = judged.Where(j => !j.IsBehind).Select(j => j.Way).OrderBy(w => w.Id, StringComparer.Ordinal).ToArray();
        var asked = judged[0].Judgements.Select(j => j.Asked).ToArray();
        Output.Table(
            ["requirement", .. ways.Select(w => w.Id)],
            asked.Select((a, i) => new[] { a.Requirement.Key + (a.Text.Length > 0 ? $": {a.Text}" : "") }
                .Concat(ways.Select(w => (Alone: Of(w, false)[i], Behind: Of(w, true)[i])).Select(p =>
                    Text(p.Alone) == Text(p.Behind) ? Text(p.Alone) : $"{Text(p.Alone)} -> {Text(p.Behind)}")).ToArray()));
        Console.WriteLine();
        Output.Table(
            ["rank", "way", "met", "blocked by", "disputed or unknown", "partly"],
            judged.Select((j, i) => new[]
            {
                $"{i + 1}", Title(j), $"{j.With(Verdict.Met).Count()} of {asked.Length}",
                Names(j, Verdict.NotMet), Names(j, Verdict.Disputed, Verdict.Unknown), Names(j, Verdict.Partly),
            }));
        Console.Error.WriteLine("alone -> behind Demarc. Reasons and sources: demarc advise FILE --way WAY, --markdown or --json");

        Judged[] Of(Way way, bool behind) => judged.First(j => j.Way == way && j.IsBehind == behind).Judgements;
    }

    private static void InFull(JudgedWay[] judged)
    {
        foreach (var one in judged.OrderBy(j => j.IsBehind))
        {
            Console.WriteLine(Title(one));
            if (one is { IsBehind: true, Way.Behind: { } note })
                Console.WriteLine(note);
            Output.Table(
                ["requirement", "verdict", "why", "source"],
                one.Judgements.Select(j => new[] { j.Asked.Requirement.Key, Text(j), Why(j), Sources(j.Sources) }));
            Console.WriteLine();
        }
    }

    /// <summary>The reason, and what Demarc adds where it does not decide.</summary>
    internal static string Why(Judged judged) => judged.Claim is { } claim && claim.Why != judged.Why
        ? $"{judged.Why} {(claim.IsBuilt ? "" : "Planned: ")}{claim.Why}"
        : judged.Why;

    private static object Shape(JudgedWay[] judged) => new
    {
        Type = "advice",
        Ways = judged.Select((j, i) => new
        {
            Rank = i + 1,
            j.Way.Id,
            j.Way.Title,
            BehindDemarc = j.IsBehind,
            Note = j.IsBehind ? j.Way.Behind : null,
            Met = j.With(Verdict.Met).Count(),
            BlockedBy = j.With(Verdict.NotMet).Select(b => b.Asked.Requirement.Key),
            Requirements = j.Judgements.Select(r => new
            {
                r.Asked.Requirement.Key,
                Asked = r.Asked.Requirement.Form switch { RequirementForm.Flag => true, RequirementForm.Count => (object)r.Asked.Count, _ => r.Asked.Values },
                Verdict = Wire(r.Verdict),
                r.Why,
                Sources = r.Sources.Select(Source),
                Demarc = r.Claim is { } c ? new { State = c.IsBuilt ? "built" : "planned", Gives = c.Gives is { } g ? Wire(g) : null, c.Why, Sources = c.Sources.Select(Source) } : null,
            }),
        }),
    };

    private static string Wire(Verdict verdict) => Verdicts.Names.First(n => n.Value == verdict).Key;

    private static object Source(CatalogSource source) => new { source.Id, source.Title, source.Url, source.Date, source.Seen };
}
