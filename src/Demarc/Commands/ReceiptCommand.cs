using System.CommandLine;
using System.Text;
using System.Text.Json;
using Demarc.Control.Proofs;
using Demarc.Control.Receipts;
using Demarc.Governance.Evidence;
using Demarc.Governance.Spend;
using Demarc.Serving;
using Demarc.Storage.Evidence;

namespace Demarc.Commands;

/// <summary><c>demarc receipt</c>: what was decided about a request and where it ran, signed when asked.</summary>
internal static class ReceiptCommand
{
    public static Command Create()
    {
        var request = new Argument<string>("REQUEST_ID") { Description = "As an answer carries it in demarc-request-id", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var sign = new Option<bool>("--sign") { Description = "Print it as JSON with the installation's signature" };
        var verify = new Option<string?>("--verify") { Description = "Check a signed receipt in a file" };
        var publicKey = new Option<string?>("--public-key") { Description = "Print the public key (PEM); with --verify, a file of the key to check with, in place of this installation's", Arity = ArgumentArity.ZeroOrOne };
        return new Command("receipt", "Show a request's receipt: who, what was decided, where it ran, and what it cost") { request, sign, verify, publicKey }.Runs(async context =>
        {
            if (context.Get(verify) is { } file)
                await VerifyAsync(context, file, context.Get(publicKey));
            else if (context.Has(publicKey))
            {
                // Where there is no store yet, no key has been rotated.
                using var key = await context.FindAsync() is { } installation
                    ? await new LogSigner(installation.Store, installation.Master).CurrentKeyAsync(installation.Organization.Id)
                    : new SigningKey(Master(context));
                Console.WriteLine(key.PublicKey);
            }
            else if (context.Get(request) is { Length: > 0 } id)
                await ShowAsync(context, id, context.Get(sign));
            else
                throw new CommandException("Name a request: demarc receipt REQUEST_ID; or demarc receipt --verify FILE, or demarc receipt --public-key.");
        });
    }

    private static async Task ShowAsync(CommandContext context, string requestId, bool sign)
    {
        var installation = await context.OpenAsync();
        var request = await RequestLookup.FindAsync(installation, requestId);
        var boundaries = await installation.Store.Boundaries.FindAsync(installation.Organization.Id, request.Attempts.Select(a => a.Boundary).OfType<string>().Distinct());
        var receipt = Receipt.Of(requestId, installation.Organization.Id, request, boundaries, context.Time.GetUtcNow());
        if (sign)
        {
            using var key = await new LogSigner(installation.Store, installation.Master).CurrentKeyAsync(installation.Organization.Id);
            Console.WriteLine(Encoding.UTF8.GetString(SignedReceipt.Sign(receipt, key)));
        }
        else if (context.Output.IsJson)
            context.Output.One(JsonSerializer.Deserialize<JsonElement>(receipt));
        else
            Print(context, request, JsonSerializer.Deserialize<JsonElement>(receipt));
    }

    private static async Task VerifyAsync(CommandContext context, string file, string? publicKey)
    {
        var signed = await File.ReadAllBytesAsync(file);
        JsonElement payload;
        var problem = publicKey is not null ? SignedReceipt.Problem(signed, await File.ReadAllTextAsync(publicKey), out payload) : OwnProblem(signed, Master(context), out payload);
        if (problem is not null)
            throw new CommandException($"{file} does not hold: {problem}.");
        context.Output.Done(
            new { Valid = true, Receipt = payload },
            $"{file} holds: the receipt of {payload.GetProperty("request").GetString()}, issued {payload.GetProperty("issued_at").GetString()}.");
    }

    // Any of the installation's keys may have signed it, as they are rotated.
    private static string? OwnProblem(byte[] signed, MasterKey master, out JsonElement payload)
    {
        string? first = null;
        for (var generation = 1; generation <= SigningKey.MaxGeneration; generation++)
        {
            using var key = new SigningKey(master, generation);
            if (SignedReceipt.Problem(signed, key.PublicKey, out payload) is not { } problem)
                return null;
            first ??= problem;
        }
        payload = default;
        return first;
    }

    // The key alone: a receipt is checked where no store is.
    private static MasterKey Master(CommandContext context) => MasterKeyFile.Open(context.Files.Config.MasterKey, context.Files.DataDirectory, mayMake: false);

    private static void Print(CommandContext context, RequestOnRecord request, JsonElement receipt)
    {
        var decision = receipt.GetProperty("decision");
        var actor = request.Begun?.Actor ?? request.Refused?.Actor;
        context.Output.One(
            receipt,
            ("request", Text(receipt, "request")),
            ("who", $"{actor?.Email ?? actor?.Id}{(actor?.KeyId is { } key ? $" with {key}" : "")}"),
            ("begun", Text(receipt, "begun_at")),
            ("finished", Text(receipt, "finished_at")),
            ("asked for", Text(decision, "model_asked")),
            ("decision", request.Refused is null ? $"planned {string.Join(", ", request.Begun?.Plan ?? [])}" : $"refused ({Text(decision, "reason")}): {Text(decision, "message")}"),
            ("rule", request.Refused is null ? null : Text(decision, "rule")),
            ("result", request.Finished is { } f ? $"{f.Result}, HTTP {f.Status}" : request.Refused is null ? "under way" : null),
            ("changed on the way", request.Begun is { } b ? b.Splices.Length == 0 ? "nothing" : string.Join(", ", b.Splices) : null),
            ("tokens", request.Finished?.Usage is { } u ? $"{u.InputTokens} in, {u.OutputTokens} out, {u.CacheRead} cached" : null),
            ("cost", request.Finished is { } done ? $"{NanoDollars.Format(done.CostNanoUsd)}{(done.Incomplete ? " (incomplete)" : "")}" : null),
            ("policy", Text(decision.GetProperty("in_force"), "policy")),
            ("catalog", Text(decision.GetProperty("in_force"), "catalog")),
            ("configuration", Text(decision.GetProperty("in_force"), "configuration")));
        foreach (var attempt in receipt.GetProperty("attempts").EnumerateArray())
            Attempt(attempt);
    }

    private static void Attempt(JsonElement attempt)
    {
        Console.WriteLine();
        var after = Text(attempt, "after") is { } reason ? $", after {reason}" : "";
        Console.WriteLine($"Attempt {attempt.GetProperty("number").GetInt32()}: {Text(attempt, "resource")}/{Text(attempt, "deployment")} ({Text(attempt, "boundary") ?? "no data path on record"}){after}{(attempt.GetProperty("answered").GetBoolean() ? ", answered" : "")}");
        if (attempt.GetProperty("data_path") is not { ValueKind: JsonValueKind.Object } path)
            return;
        Output.Table(
            ["hop", "fact", "value", "status", "date", "source or reason"],
            path.GetProperty("hops").EnumerateArray().SelectMany(hop => hop.GetProperty("facts").EnumerateArray().Select(fact => new[]
            {
                Text(hop, "hop"), Text(fact, "fact"), Text(fact, "value"), Text(fact, "status"), Text(fact, "date"), Text(fact, "source") ?? Text(fact, "reason") ?? Titles(fact),
            })));
    }

    private static string? Titles(JsonElement fact) =>
        fact.TryGetProperty("statements", out var statements)
            ? string.Join("; ", statements.EnumerateArray().SelectMany(s => s.GetProperty("sources").EnumerateArray()).Select(s => Text(s, "title")).Distinct())
            : null;

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
}
