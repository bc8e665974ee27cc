using Demarc.Tests.Harness;

namespace Demarc.Tests.Faults;

/// <summary>The rows that <c>./test --faults</c> prints at its end: <c>artifacts/faults.tsv</c>.</summary>
internal static class FaultTable
{
    private static readonly Lock Gate = new();

    /// <param name="runs">How often the fault was brought about.</param>
    public static void Add(string fault, int runs, Tally tally) => Add(fault, runs, tally.Asked, tally.Answered, tally.Refused, tally.Broken, tally.Lost, tally.Doubled);

    public static void Add(string fault, int runs, params ReadOnlySpan<int> counts)
    {
        lock (Gate)
        {
            Directory.CreateDirectory(Repository.Path("artifacts"));
            File.AppendAllText(Repository.Path("artifacts", "faults.tsv"), $"{fault}\t{runs}\t{string.Join('\t', counts.ToArray())}\n");
        }
    }
}
