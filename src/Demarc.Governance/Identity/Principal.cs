namespace Demarc.Governance.Identity;

/// <summary>
/// Who a credential stands for, as the store knew it when it was last read. One instance serves every
/// request of its key until the directory changes; then <see cref="Revoked"/> fires when the key no longer holds.
/// </summary>
public sealed class Principal
{
    public required string OrganizationId { get; init; }

    /// <summary><c>user</c> or <c>service_account</c>.</summary>
    public required string Type { get; init; }

    /// <summary><c>user_…</c> or <c>svac_…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>A user's address; null for a service account.</summary>
    public string? Email { get; init; }

    public required string Name { get; init; }

    /// <summary>Names of the groups the principal belongs to.</summary>
    public required string[] Groups { get; init; }

    public required string KeyId { get; init; }

    public required ApiKeyKind KeyKind { get; init; }

    /// <summary>When the key ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Until when a compliance key may read captured content without a review; null for not at all.</summary>
    public DateTimeOffset? ReadExemptUntil { get; init; }

    /// <summary>Fires when the key, or the person behind it, no longer holds: running streams end.</summary>
    public CancellationToken Revoked { get; init; }
}
