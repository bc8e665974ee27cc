namespace Demarc.Storage.Directory;

/// <summary>A token of another issuer that was verified, and whom of the directory it stands for.</summary>
/// <param name="Issuer">Who made it, as its verification calls them.</param>
/// <param name="PrincipalId"><c>user_…</c> or <c>svac_…</c>.</param>
/// <param name="TokenId">What records call it; never the token.</param>
/// <param name="Groups">Names that it adds to those of the directory.</param>
/// <param name="Roles">Roles that it gives in the whole organization.</param>
public sealed record ForeignToken(string Issuer, string PrincipalId, string TokenId, DateTimeOffset ExpiresAt, string[] Groups, string[] Roles);
