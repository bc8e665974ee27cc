using System.CommandLine;
using Demarc.Serving;

namespace Demarc.Commands;

/// <summary><c>demarc doctor</c>: whether an installation has what it needs around it.</summary>
internal static class DoctorCommand
{
    public static Command Create() => new Command("doctor", "Check the configuration, DNS, TLS, the store, upstreams, the identity provider, destinations of exports, the clock and limits on the way in").Runs(async context =>
    {
        var findings = new List<Finding>();
        using var doctor = new Doctor(context.Files, context.Time, findings.Add);
        await doctor.ExamineAsync(context.FindAsync);
        context.Output.List(
            findings, f => new { f.Check, f.Subject, Status = f.Status.ToString().ToLowerInvariant(), f.Detail, f.Fix }, "Nothing to check.", ["check", "subject", "status", "detail", "what to do"],
            f => [f.Check, f.Subject, f.Status.ToString().ToLowerInvariant(), f.Detail, f.Fix]);
        if (findings.Count(f => f.Status == FindingStatus.Failed) is > 0 and var failed)
            throw new CommandException($"{failed} {(failed == 1 ? "check" : "checks")} failed.");
    });
}
