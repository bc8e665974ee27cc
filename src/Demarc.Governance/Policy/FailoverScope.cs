using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>How far from the first choice a request may go when that cannot serve it; never across what a policy refuses.</summary>
public enum FailoverScope
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>To deployments with the same processor, agreements and hosting. The default.</summary>
    Same,

    /// <summary>Also to another hosting of the same processor under the same agreements.</summary>
    Hosting,

    /// <summary>To any deployment that the policies allow.</summary>
    Any,
}

/// <summary>The names of <see cref="FailoverScope"/> in configuration.</summary>
public static class FailoverScopes
{
    public static readonly string[] Names = ["none", "same", "hosting", "any"];

    public static bool TryParse(string name, out FailoverScope scope)
    {
        var index = Array.IndexOf(Names, name);
        scope = index < 0 ? FailoverScope.Same : (FailoverScope)index;
        return index >= 0;
    }

    /// <summary>True when a request whose first choice is <paramref name="first"/> may go to <paramref name="next"/> instead.</summary>
    public static bool Allows(this FailoverScope scope, DeploymentSnapshot first, DeploymentSnapshot next)
    {
        if (scope == FailoverScope.Any || ReferenceEquals(first, next))
            return true;
        return scope != FailoverScope.None
            && (scope == FailoverScope.Hosting || first.Hosting == next.Hosting)
            && SameProcessor(first.Boundary, next.Boundary)
            && first.Resource.Agreements.AsSpan().SequenceEqual(next.Resource.Agreements);
    }

    private static bool SameProcessor(Boundary first, Boundary next) =>
        first[Hop.Inference, FactKind.Processor].Values.AsSpan().SequenceEqual(next[Hop.Inference, FactKind.Processor].Values);
}
