namespace Demarc.Tests.Fuzzing;

/// <summary>A reader of what comes from outside, and what has to hold of it for any bytes.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Of its folder in the corpus.</summary>
    public abstract string Name { get; }

    /// <summary>Pieces of the format, which mutations put in.</summary>
    public abstract string[] Pieces { get; }

    /// <summary>An input of the reader's own shape, right or nearly so.</summary>
    public abstract byte[] Generate(Dice dice);

    /// <summary>Reads it; throws where something does not hold.</summary>
    public abstract void Check(byte[] input);
}
