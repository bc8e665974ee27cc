using System.CommandLine;
using System.Text;
using Demarc.Control.Compliance;
using Demarc.Control.Proofs;
using Demarc.Control.Retention;
using Demarc.Serving;
using Demarc.Storage.Reviews;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary><c>demarc person export|erase</c>: what the law lets a person ask for.</summary>
internal static class PersonCommands
{
    public static Command Create() => new("person", "What the law lets a person ask for: all that is kept of them, and that it ends") { Export(), Erase() };

    private static Command Export()
    {
        var (person, reason) = (Person(), Reason());
        var directory = new Argument<string>("DIR") { Description = "Where to write; empty, or not there yet" };
        var review = new Option<string?>("--review") { Description = "An approved review (review_…) under which transcripts are opened; without one they are left out, and the person sees them at /v1/me/sessions" };
        return new Command("export", "Write all that is kept of a person, with a signed report") { person, directory, reason, review }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var user = await new DirectoryLookup(installation).UserAsync(context.Get(person));
            var why = Checked(context.Get(reason)!);
            var opened = context.Get(review) is { } id ? await ReviewAsync(installation, id, user.Id, context) : null;
            var reader = new TranscriptReader(installation.Store, NullLogger<TranscriptReader>.Instance);
            var export = new PersonExport(installation.Store, new DataPaths(installation.Store), reader, new AttachmentReader(reader), PersonExport.Into(context.Get(directory)));
            var report = await SignAsync(installation, await export.RunAsync(user, why, context.Actor, opened));
            var path = Path.Combine(context.Get(directory), PersonExport.ReportFile);
            PrivateFile.Write(path, report + "\n");
            context.Output.Done(
                new { user.Id, Directory = Path.GetFullPath(context.Get(directory)), Report = path },
                $"All that is kept of {user.Email} is in {context.Get(directory)}{(opened is null ? ", without what was said (--review)" : "")}. Check {PersonExport.ReportFile}: demarc receipt --verify {path}");
        });
    }

    private static Command Erase()
    {
        var (person, reason) = (Person(), Reason());
        var records = new Option<bool>("--records") { Description = "The records of the log that name the person too; without it they stay until their retention ends" };
        var report = new Option<string>("--report") { Description = "Where to write the signed report", Required = true };
        return new Command("erase", "Erase what is kept of a person, for good, with a signed report") { person, reason, records, report }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var user = await new DirectoryLookup(installation).UserAsync(context.Get(person));
            var why = Checked(context.Get(reason)!);
            context.NeedsNoSecond("erasures");
            var path = context.Get(report)!;
            if (File.Exists(path))
                throw new CommandException($"--report: {path} is there already; name another file.");
            var payload = await new PersonErasing(installation.Store, installation.Journal).RunAsync(new PersonErasureRequest(user, why, context.Get(records)), context.Actor, CancellationToken.None);
            PrivateFile.Write(path, await SignAsync(installation, payload) + "\n");
            var done = System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(payload);
            var held = done.GetProperty("held_by").GetArrayLength();
            context.Output.Done(done, $"{user.Id} is erased{(held > 0 ? ", but for what is held (see the report)" : "")}: {done.GetProperty("erased").GetRawText()}. The report is {path}; check it: demarc receipt --verify {path}");
        });
    }

    private static async Task<Review> ReviewAsync(Installation installation, string id, string userId, CommandContext context)
    {
        var review = await installation.Store.Reviews.GetAsync(installation.Organization.Id, id) ?? throw new CommandException($"--review: there is no review {id}. See: demarc review list --all");
        return PersonExport.ReviewProblem(review, userId, context.Time.GetUtcNow().ToUnixTimeMilliseconds()) is { } problem ? throw new CommandException($"--review: {problem}") : review;
    }

    private static async Task<string> SignAsync(Installation installation, byte[] payload) =>
        Encoding.UTF8.GetString(await new LogSigner(installation.Store, installation.Master).SignAsync(installation.Organization.Id, payload));

    private static string Checked(string reason) => HoldEndpoints.TextProblem(reason) is { } problem ? throw new CommandException($"--reason: {problem}") : reason;

    private static Argument<string> Person() => new("PERSON") { Description = "An address or a user_… id" };

    private static Option<string> Reason() => new("--reason") { Description = "Why, for the record, for example the number of the request", Required = true };
}
