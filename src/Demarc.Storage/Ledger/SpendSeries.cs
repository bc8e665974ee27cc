using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Ledger;

/// <summary>Who spends on what: the dimensions of reports. Empty text is none.</summary>
internal sealed record SpendSeries(
    string OrganizationId,
    string PrincipalType,
    string PrincipalId,
    string KeyId,
    string WorkspaceId,
    string ProjectId,
    string Platform,
    string Resource,
    string Deployment,
    string Model,
    string Surface,
    string ServiceTier,
    string Speed,
    string InferenceGeo,
    string ContextWindow)
{
    // Source: Get Messages Usage Report, context_window.
    private const long LongContext = 200_000;

    /// <param name="model">The attempt's, or that of a part of it.</param>
    /// <param name="settled">Null for an attempt that came to nothing.</param>
    /// <param name="usage">The tokens of that model.</param>
    public static SpendSeries Of(string organizationId, BegunRecord begun, AttemptRecord attempt, string model, FinishedRecord? settled, UsageRecord usage) => new(
        organizationId,
        begun.Actor.Type,
        begun.Actor.Id,
        begun.Actor.KeyId ?? "",
        begun.WorkspaceId ?? "",
        begun.ProjectId ?? "",
        attempt.Platform,
        attempt.Resource,
        attempt.Deployment,
        model,
        begun.Surface,
        settled?.Provider?.ServiceTier ?? "standard",
        settled?.Provider?.Speed ?? "standard",
        settled?.Provider?.InferenceGeo ?? Geography(attempt.Scope),
        usage.InputTokens + usage.CacheRead + usage.CacheWrite5m + usage.CacheWrite1h > LongContext ? "200k-1M" : "0-200k");

    /// <summary>The same, of whoever.</summary>
    public SpendSeries WithoutPeople() => this with { PrincipalType = "", PrincipalId = "", KeyId = "" };

    /// <summary>Made from the dimensions: the same on every replica, without asking.</summary>
    public byte[] Id() => SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Columns())))[..16];

    /// <summary>In the order of the table's columns behind its id.</summary>
    public string[] Columns() =>
    [
        OrganizationId, PrincipalType, PrincipalId, KeyId, WorkspaceId, ProjectId, Platform, Resource, Deployment, Model,
        Surface, ServiceTier, Speed, InferenceGeo, ContextWindow,
    ];

    private static string Geography(string scope) => scope[(scope.IndexOf(':', StringComparison.Ordinal) + 1)..];
}
