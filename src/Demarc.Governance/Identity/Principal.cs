using System.Diagnostics.CodeAnalysis;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Governance.Identity;

/// <summary>
/// Who a credential stands for, as the store knew it when it was last read. One instance serves every
/// request of its key until the directory changes; then <see cref="Revoked"/> fires when the key no longer holds.
/// </summary>
public sealed class Principal
{
    private Principal?[]? _forProjects;

    public Principal()
    {
    }

    [SetsRequiredMembers]
    private Principal(Principal other, ProjectSnapshot project)
    {
        (OrganizationId, Type, Id, Email, Name, Groups) = (other.OrganizationId, other.Type, other.Id, other.Email, other.Name, other.Groups);
        (KeyId, KeyKind, ExpiresAt, ReadExemptUntil, Revoked) = (other.KeyId, other.KeyKind, other.ExpiresAt, other.ReadExemptUntil, other.Revoked);
        (Projects, KeyProjectId, Project, Workspace) = (other.Projects, other.KeyProjectId, project, project.Workspace ?? other.Workspace);
        Access = other.Access;
    }

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

    /// <summary>The workspace of the key, or of the project that the request is for; null for the default one.</summary>
    public WorkspaceSnapshot? Workspace { get; init; }

    /// <summary>The project that the request is for; null for none.</summary>
    public ProjectSnapshot? Project { get; init; }

    /// <summary>The projects that it is a member of, by itself or through a group, and that are not archived.</summary>
    public ProjectSnapshot[] Projects { get; init; } = [];

    /// <summary>The one project that the key is for, <c>claude_proj_…</c>; null for a key that is for any.</summary>
    public string? KeyProjectId { get; init; }

    public required string KeyId { get; init; }

    public required ApiKeyKind KeyKind { get; init; }

    /// <summary>Whether the credential is a key rather than a token.</summary>
    public bool IsKey => KeyId.StartsWith(Ids.ApiKey, StringComparison.Ordinal);

    /// <summary>What it may do with this credential.</summary>
    public Access Access { get; init; } = Access.Developer;

    /// <summary>When the key ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Until when a compliance key may read captured content without a review; null for not at all.</summary>
    public DateTimeOffset? ReadExemptUntil { get; init; }

    /// <summary>Fires when the key, or the person behind it, no longer holds: running streams end.</summary>
    public CancellationToken Revoked { get; init; }

    /// <summary>The same principal at work for a project: one instance for each, as what is worked out for a principal is kept by instance.</summary>
    /// <param name="index">The project's place in <see cref="Projects"/>.</param>
    public Principal For(int index)
    {
        var all = Volatile.Read(ref _forProjects) ?? Interlocked.CompareExchange(ref _forProjects, new Principal?[Projects.Length], null) ?? _forProjects;
        return Volatile.Read(ref all[index]) ?? Made(all, index);

        Principal Made(Principal?[] all, int index)
        {
            var made = new Principal(this, Projects[index]);
            return Interlocked.CompareExchange(ref all[index], made, null) ?? made;
        }
    }
}
