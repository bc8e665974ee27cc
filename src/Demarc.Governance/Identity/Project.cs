namespace Demarc.Governance.Identity;

/// <summary>What keys and projects can belong to; without one, they are in the default workspace.</summary>
/// <param name="Id"><c>wrkspc_…</c>.</param>
/// <param name="Name">Unique in the organization; policies name it.</param>
public sealed record WorkspaceSnapshot(string Id, string Name);

/// <summary>What requests can be for.</summary>
/// <param name="Id"><c>claude_proj_…</c>.</param>
/// <param name="Name">Unique in the organization; policies and requests name it.</param>
/// <param name="Classification">Of its data, in the organization's own words; policies name it. Null for none.</param>
public sealed record ProjectSnapshot(string Id, string Name, string? Classification, WorkspaceSnapshot? Workspace);
