using System.Globalization;
using System.Text;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>
/// Gives a target its corpus, and then random inputs for its share of <c>DEMARC_FUZZ_SECONDS</c> (60, for all targets). Input n of a
/// run has the seed of the run and n, and <c>DEMARC_FUZZ_SEED</c> begins with that of a failure.
/// </summary>
internal static class FuzzRun
{
    public static void Of(FuzzTarget target, int targets, ITestOutputHelper output)
    {
        var folder = Repository.Path("tests", "Demarc.Tests", "Fuzzing", "Corpus", target.Name);
        var corpus = Directory.Exists(folder) ? Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray() : [];
        foreach (var input in corpus)
            Check(target, input, "of the corpus");

        var first = Variable("DEMARC_FUZZ_SEED", (ulong)TimeProvider.System.GetTimestamp());
        var share = TimeSpan.FromSeconds(Variable("DEMARC_FUZZ_SECONDS", 60)) / targets;
        var started = TimeProvider.System.GetTimestamp();
        var seed = first;
        for (; TimeProvider.System.GetElapsedTime(started) < share; seed++)
            Check(target, Input(target, corpus, new Dice(seed)), $"of seed {seed}");
        output.WriteLine($"{target.Name}: {corpus.Length} of the corpus, {seed - first} random inputs from seed {first}");
    }

    private static byte[] Input(FuzzTarget target, byte[][] corpus, Dice dice)
    {
        var made = target.Generate(dice);
        return dice.Below(4) switch
        {
            0 or 1 => made,
            2 => Mutation.Of(made, target.Generate(dice), target, dice),
            _ => Mutation.Of(corpus.Length > 0 ? dice.Of<byte[]>(corpus) : made, made, target, dice),
        };
    }

    private static void Check(FuzzTarget target, byte[] input, string which)
    {
        if (Failure(target, input) is not { } failure)
            return;
        var small = Smaller(target, input, failure.GetType());
        var file = Repository.Path("artifacts", $"fuzz-{target.Name}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(small))[..12]}");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, small);
        Assert.Fail($"{target.Name}, input {which}, cut to {small.Length} bytes in {file} (to be put into the corpus): {Encoding.Latin1.GetString(small)}\n{Failure(target, small)}");
    }

    private static Exception? Failure(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Check(input);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    // Runs are taken out for as long as it fails in the same way.
    private static byte[] Smaller(FuzzTarget target, byte[] input, Type failure)
    {
        for (var run = Math.Max(1, input.Length / 2); run > 0; run /= 2)
        {
            for (var at = 0; at + run <= input.Length;)
            {
                byte[] less = [.. input[..at], .. input[(at + run)..]];
                if (Failure(target, less)?.GetType() == failure)
                    input = less;
                else
                    at += run;
            }
        }
        return input;
    }

    private static ulong Variable(string name, ulong otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
