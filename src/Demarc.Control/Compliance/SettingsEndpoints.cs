using Demarc.Control.AdminApi;
using Demarc.Control.Configuration;
using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Compliance;

/// <summary>
/// <c>GET /v1/compliance/organizations/{organization}/settings</c> ("Get effective organization settings"): the rows that
/// Demarc has something to say to; what it has no setting for is left out, as the vendor does.
/// </summary>
/// <param name="identityNow">As it is in force; null where people do not sign in.</param>
/// <param name="isProvisioned">Whether directories provision people and groups (SCIM).</param>
public sealed class SettingsEndpoints(Store store, ISnapshotSource snapshots, Func<IdentityConfig?> identityNow, bool isProvisioned)
{
    /// <summary><c>{"type":"effective_organization_settings","organization_id","settings":[{"name","type","value"}],"api_keys":[…]}</c>.</summary>
    public async Task<AdminAnswer> GetAsync(ComplianceRequest request)
    {
        var asked = request.Path("organization");
        if (!Guid.TryParseExact(asked, "D", out var uuid) || uuid != OrganizationUuid.Parse(request.OrganizationId))
            return AdminAnswer.NotFound($"organization `{ComplianceQuery.Printable(asked)}` not found in this organization's hierarchy");
        if (new ComplianceQuery(request.Query, []).Problem is { } problem)
            return problem;
        return AdminAnswer.Of(new
        {
            Type = "effective_organization_settings",
            OrganizationId = uuid.ToString("D"),
            Settings = Rows(),
            ApiKeys = (await KeysAsync(request.OrganizationId)).Select(Key),
        });
    }

    private object[] Rows()
    {
        var allowed = snapshots.Current.Network.Allowed;
        var identity = identityNow();
        return
        [
            Row("sso_enabled", "boolean", identity is not null),
            Row("directory_sync_enabled", "boolean", isProvisioned),
            Row("sso_provisioning_mode", "provisioning_mode", Provisioning(identity)),
            Row("data_retention_periods", "data_retention", Retention()),
            Row("account_session_duration_seconds", "integer", identity is null ? null : (long)identity.Session.TotalSeconds),
            Row("ip_allowlist_enabled", "boolean", allowed.Length > 0),
            Row("ip_allowlist_ip_ranges", "string_list", allowed.Select(n => n.ToString()).ToArray()),
        ];

        static object Row(string name, string type, object? value) => new { Name = name, Type = type, Value = value };
    }

    // Without a directory a person is made when first signing in: whoever the issuer knows, or whom a group lets in.
    private string Provisioning(IdentityConfig? identity)
    {
        if (identity is null)
            return isProvisioned ? "scim_permissive" : "login_only";
        var breadth = identity.Issuers.Any(i => i.AllowedGroups.Contains("*")) ? "permissive" : "advanced";
        return (isProvisioned ? "scim_" : "jit_") + breadth;
    }

    // By the Compliance API's own words for what Demarc keeps of the two.
    private Dictionary<string, object> Retention()
    {
        var kept = snapshots.Current.RetentionOfAll;
        return new()
        {
            ["local_session"] = Fixed(kept.Transcripts ?? RetentionPeriods.DefaultTranscripts),
            ["activity"] = kept.Activities is { } activities ? Fixed(activities) : new { Type = "indefinite" },
        };

        static object Fixed(TimeSpan period) => new { Type = "fixed", Timescale = "day", Duration = (long)period.TotalDays };
    }

    private async Task<IEnumerable<StoredApiKey>> KeysAsync(string organizationId)
    {
        var keys = await Pages.AllAsync(page => store.ApiKeys.ListAsync(organizationId, new ApiKeyFilter(), page), k => k.Id);
        return keys.Where(k => k.Kind == "compliance").Reverse();
    }

    private static object Key(StoredApiKey key) => new
    {
        Type = "compliance_api_key",
        key.Id,
        key.Name,
        Scopes = ComplianceScope.Of(new Access([new Grant(BuiltInRoles.Reviewer.Name, BuiltInRoles.Reviewer.Permissions, RoleScope.Organization, false, key.Id)])),
        IsActive = key.Status == "active",
        CreatedAt = Rfc3339.Text(key.CreatedAt),
        CreatedById = key.CreatedByType == "user" ? key.CreatedById : null,
        ExpiresAt = Rfc3339.Text(key.ExpiresAt),
    };
}
