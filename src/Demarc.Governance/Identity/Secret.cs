using System.Diagnostics;

namespace Demarc.Governance.Identity;

/// <summary>A secret that prints, formats and serialises as <c>***</c>; only <see cref="Reveal"/> gives its value.</summary>
[DebuggerDisplay("***")]
public sealed class Secret(string value)
{
    private readonly string _value = value;

    /// <summary>The value, for the one place that sends it.</summary>
    public string Reveal() => _value;

    public override string ToString() => "***";
}
