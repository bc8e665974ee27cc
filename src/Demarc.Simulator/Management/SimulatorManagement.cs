using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demarc.Simulator.Management;

/// <summary>
/// What the simulated management APIs say that there is: Azure accounts with their deployments, Bedrock's inference profiles
/// and foundation models, and the models and locations of Google Cloud. Replaced whole, in code or by
/// <c>PUT /simulator/management</c>.
/// </summary>
public sealed class SimulatorManagement
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private volatile ManagedEstate _estate = new();

    public ManagedEstate Estate
    {
        get => _estate;
        set => _estate = value;
    }

    /// <summary>Throws <see cref="JsonException"/> for what is no estate.</summary>
    public void SetJson(ReadOnlySpan<byte> json) => _estate = JsonSerializer.Deserialize<ManagedEstate>(json, s_json) ?? throw new JsonException("an estate is an object");
}

/// <summary>All that exists.</summary>
public sealed record ManagedEstate
{
    public ManagedAccount[] Accounts { get; init; } = [];

    /// <summary>Beside those of the models that the simulator serves.</summary>
    public ManagedProfile[] Profiles { get; init; } = [];

    /// <summary>Ids of Bedrock's foundation models.</summary>
    public string[] FoundationModels { get; init; } = [];

    /// <summary>Ids of Google's publisher models, as <c>claude-sonnet-4-6</c> or <c>claude-sonnet-4-5@20250929</c>.</summary>
    public string[] PublisherModels { get; init; } = [];

    /// <summary>Google's locations.</summary>
    public string[] Locations { get; init; } = ["global", "us", "eu", "us-east5", "europe-west1"];
}

/// <summary>A <c>Microsoft.CognitiveServices</c> account.</summary>
public sealed record ManagedAccount(string Subscription, string ResourceGroup, string Name, string Location, ManagedDeployment[] Deployments);

/// <summary>A deployment of an account.</summary>
/// <param name="Upgrade"><c>NoAutoUpgrade</c>, <c>OnceNewDefaultVersionAvailable</c> or <c>OnceCurrentVersionExpired</c>.</param>
public sealed record ManagedDeployment(
    string Name, string Model, string Version = "1", string Sku = "GlobalStandard", string Upgrade = "NoAutoUpgrade", string Format = "Anthropic");

/// <summary>A Bedrock inference profile.</summary>
/// <param name="Model">A foundation model's id.</param>
/// <param name="Regions">Where it may run; an empty text for anywhere.</param>
public sealed record ManagedProfile(string Id, string Model, string[] Regions, string Status = "ACTIVE");
