using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>What a workload's identity token was traded for.</summary>
/// <param name="Id"><c>fedt_…</c>.</param>
/// <param name="ExpiresAt">Unix milliseconds.</param>
public sealed record FederatedToken(string Id, string OrganizationId, string ServiceAccountId, string? WorkspaceId, string Rule, string Issuer, string Subject, long ExpiresAt);

public sealed class FederatedTokens
{
    public const string IdPrefix = "fedt_";

    private readonly Store _store;

    internal FederatedTokens(Store store) => _store = store;

    /// <summary>Keeps a token that is about to be given out; false where the identity token was traded before.</summary>
    /// <param name="use">A hash that names the identity token; null for one that may be traded again.</param>
    /// <param name="useUntil">Unix milliseconds: until when that token could come again.</param>
    public Task<bool> IssueAsync(FederatedToken token, byte[]? use, long useUntil, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { token.Id, token.OrganizationId, token.ServiceAccountId, token.WorkspaceId, token.Rule, token.Issuer, token.Subject, token.ExpiresAt, use, useUntil, actor.IpAddress, _store.Now };
            await transaction.ExecuteAsync("DELETE FROM federated_tokens WHERE expires_at <= @Now", place).ConfigureAwait(false);
            await transaction.ExecuteAsync("DELETE FROM federation_uses WHERE expires_at <= @Now", place).ConfigureAwait(false);
            if (use is not null && await transaction.ExecuteAsync(
                "INSERT INTO federation_uses (organization_id, token, expires_at) VALUES (@OrganizationId, @use, @useUntil) ON CONFLICT DO NOTHING", place).ConfigureAwait(false) == 0)
                return false;
            await transaction.ExecuteAsync(
                """
                INSERT INTO federated_tokens (id, organization_id, service_account_id, workspace_id, rule, issuer, subject, status, created_at, expires_at, ip_address)
                VALUES (@Id, @OrganizationId, @ServiceAccountId, @WorkspaceId, @Rule, @Issuer, @Subject, 'active', @Now, @ExpiresAt, @IpAddress)
                """,
                place).ConfigureAwait(false);
            await transaction.RecordAsync(token.OrganizationId, actor, "demarc_workload_token_issued", Fields(token)).ConfigureAwait(false);
            return true;
        });

    /// <summary>Ends the tokens of a service account that hold; how many there were.</summary>
    public Task<int> EndAsync(string organizationId, string serviceAccountId, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var ended = await transaction.ExecuteAsync(
                "UPDATE federated_tokens SET status = 'revoked' WHERE organization_id = @organizationId AND service_account_id = @serviceAccountId AND status = 'active' AND expires_at > @Now",
                new { organizationId, serviceAccountId, _store.Now }).ConfigureAwait(false);
            if (ended > 0)
                await transaction.ChangeAsync(organizationId, actor, "demarc_workload_tokens_ended", new()
                {
                    ["service_account_id"] = serviceAccountId,
                    ["tokens"] = ended.ToString(CultureInfo.InvariantCulture),
                }).ConfigureAwait(false);
            return ended;
        });

    private static Dictionary<string, string?> Fields(FederatedToken token) => new()
    {
        ["token_id"] = token.Id,
        ["service_account_id"] = token.ServiceAccountId,
        ["workspace_id"] = token.WorkspaceId,
        ["rule"] = token.Rule,
        ["issuer"] = token.Issuer,
        ["subject"] = token.Subject,
        ["expires_at"] = DateTimeOffset.FromUnixTimeMilliseconds(token.ExpiresAt).ToString("O", CultureInfo.InvariantCulture),
    };
}
