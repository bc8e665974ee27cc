using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Boundaries;

/// <summary>Who serves the model.</summary>
public enum Platform
{
    Foundry,
    Anthropic,
    AnthropicAws,
    Bedrock,
    Vertex,
}

/// <summary>Where inference runs.</summary>
public enum Hosting
{
    Azure,
    Anthropic,
    Aws,
    Google,
}

/// <summary>The names of platforms and hosting options in configuration, records and the catalog.</summary>
public static class PlatformNames
{
    public static string Wire(this Platform platform) => platform switch
    {
        Platform.Foundry => "foundry",
        Platform.Anthropic => "anthropic",
        Platform.AnthropicAws => "anthropic-aws",
        Platform.Bedrock => "bedrock",
        Platform.Vertex => "vertex",
        _ => throw new ArgumentOutOfRangeException(nameof(platform)),
    };

    public static string Wire(this Hosting hosting) => hosting switch
    {
        Hosting.Azure => "azure",
        Hosting.Anthropic => "anthropic",
        Hosting.Aws => "aws",
        Hosting.Google => "google",
        _ => throw new ArgumentOutOfRangeException(nameof(hosting)),
    };

    public static bool TryPlatform(string name, out Platform platform) => TryName(name, Enum.GetValues<Platform>(), Wire, out platform);

    public static bool TryHosting(string name, out Hosting hosting) => TryName(name, Enum.GetValues<Hosting>(), Wire, out hosting);

    private static bool TryName<T>(string name, T[] values, Func<T, string> wire, out T value)
    {
        foreach (var candidate in values)
        {
            value = candidate;
            if (wire(candidate) == name)
                return true;
        }
        value = default!;
        return false;
    }
}

/// <summary>A billing envelope with its credential: one platform, one region.</summary>
public sealed class ResourceSnapshot
{
    public required string Name { get; init; }

    public required Platform Platform { get; init; }

    /// <summary>The base address, without <c>/v1/…</c> and without a trailing slash.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>The host of <see cref="Endpoint"/>.</summary>
    public string Host => field ??= Endpoint.Host;

    public string? Region { get; init; }

    /// <summary>The most that is kept of what its deployments are asked.</summary>
    public Policy.CaptureMode Capture { get; init; } = Policy.CaptureMode.Full;

    public required string[] Agreements { get; init; }

    public required UpstreamCredential Credential { get; init; }

    /// <summary>The form of the bodies it takes: on Bedrock, InvokeModel's or (its Messages endpoint) the Messages API's.</summary>
    public BodyForm Form { get; init; }

    /// <summary>The Google Cloud project; null elsewhere.</summary>
    public string? Project { get; init; }

    /// <summary>The workspace of Claude Platform on AWS, <c>wrkspc_…</c>; null elsewhere.</summary>
    public string? Workspace { get; init; }

    /// <summary>The HTTP proxy on the way there; null for none.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>PEM certificates trusted beside the system's on the way there; null for none.</summary>
    public string? CertificateAuthorities { get; init; }

    /// <summary>Where requests to its deployments may come from.</summary>
    public Policy.NetworkRules Network { get; init; } = Policy.NetworkRules.None;

    public DeploymentSnapshot[] Deployments { get; set; } = [];

    /// <summary>What a contract says of its prices; of several that hold, the first does.</summary>
    public Spend.NegotiatedRate[] Rates { get; init; } = [];

    /// <summary>Where the platform says what there is; null for its public address with what follows from the deployments.</summary>
    public ManagementPlace? Management { get; init; }

    /// <summary>The same with what was checked of its deployments.</summary>
    /// <param name="checks">By full name; those of another declaration do not count.</param>
    public ResourceSnapshot Checked(IReadOnlyDictionary<string, BoundaryCheck> checks)
    {
        var copy = (ResourceSnapshot)MemberwiseClone();
        copy.Deployments = [.. Deployments.Select(d => d.Checked(copy, checks.TryGetValue(d.FullName, out var check) && check.Declaration == d.Declaration ? check : null))];
        return copy;
    }
}

/// <summary>Where a resource's platform is managed.</summary>
/// <param name="Endpoint">In place of the platform's public one; null for that.</param>
/// <param name="Subscription">Azure: the subscription that holds <paramref name="Account"/> in <paramref name="ResourceGroup"/>.</param>
public sealed record ManagementPlace(Uri? Endpoint, string? Subscription, string? ResourceGroup, string? Account);

/// <summary>One pinned model version under a name.</summary>
public sealed class DeploymentSnapshot
{
    private ResourceSnapshot _resource = null!;
    private string? _boundaryId;

    public required ResourceSnapshot Resource
    {
        get => _resource;
        init => _resource = value;
    }

    /// <summary>What the platform calls it: the <c>model</c> of the request that is sent.</summary>
    public required string Name { get; init; }

    /// <summary>The pinned model id, as the catalog has it.</summary>
    public required string Model { get; init; }

    /// <summary><c>global</c>, <c>data-zone:us</c> or <c>region:…</c>.</summary>
    public required string Scope { get; init; }

    public required Hosting Hosting { get; init; }

    /// <summary><c>resource/deployment</c>.</summary>
    public string FullName => field ??= $"{Resource.Name}/{Name}";

    /// <summary>What is true of its data path; set once, before the snapshot is in force.</summary>
    public Boundary Boundary { get; set; } = Boundary.Unknown;

    /// <summary>The id of its <see cref="BoundaryDocument"/>, worked out once.</summary>
    public string BoundaryId => _boundaryId ??= BoundaryDocument.IdOf(BoundaryDocument.Of(this));

    /// <summary>Names what is declared of it and can be checked: a check of another declaration says nothing of this one.</summary>
    public string Declaration => field ??= Ids.From("decl_", new Guid(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', FullName, Resource.Platform.Wire(), Resource.Endpoint.AbsoluteUri, Resource.Region, Resource.Project, Model, Scope, Hosting.Wire()))).AsSpan(0, 16), bigEndian: true));

    /// <summary>What its platform says otherwise than is declared, which keeps it out of service; null when nothing is known to.</summary>
    public string? Mismatch { get; private set; }

    /// <summary>True when an answer says that inference ran where the boundary does not allow it. Allocates nothing.</summary>
    public bool IsContradicted(string geography) => Boundary.IsContradicted(geography, Resource.Platform);

    /// <summary>The same, in a copy of its resource, with what was checked.</summary>
    internal DeploymentSnapshot Checked(ResourceSnapshot resource, BoundaryCheck? check)
    {
        var copy = (DeploymentSnapshot)MemberwiseClone();
        copy._resource = resource;
        if (check is null)
            return copy;
        copy._boundaryId = null;
        if (check.Holds)
            copy.Boundary = Boundary.With(check);
        else
            copy.Mismatch = check.Mismatch;
        return copy;
    }

    /// <summary>The most that is sent to it.</summary>
    public Policy.RateLimit RateLimit { get; init; }
}
