using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>A person or a service account as roles see them.</summary>
/// <param name="Type"><c>user</c> or <c>service_account</c>.</param>
/// <param name="Name">The address of a person.</param>
/// <param name="Status"><c>active</c> or <c>inactive</c>.</param>
/// <param name="Access">What they may with a token of their own.</param>
/// <param name="LastUsedAt">Unix milliseconds, when any credential of theirs was last used; null for never.</param>
public sealed record DirectoryMember(string Type, string Id, string Name, string Status, string[] Groups, Access Access, long? LastUsedAt, MemberKey[] Keys);

/// <summary>A key of a member that holds.</summary>
public sealed record MemberKey(string Id, Access Access, long? LastUsedAt);
