using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Demarc.Governance.Spend;

/// <summary>Who asks for more of what, as a link says it.</summary>
public sealed record IncreaseAsk(string OrganizationId, string PrincipalId, LimitPeriod Period);

/// <summary>
/// Links that open a request for more: <c>/limits/ask?t=…</c>, base64url over who and what and a MAC. Whoever has the link can
/// ask in that person's name, and do nothing else, for a week.
/// </summary>
/// <param name="publicUrl">Where people reach the gateway; null for no links.</param>
/// <param name="key"><c>MasterKey.Derive("demarc increase link")</c>: every replica reads the others' links.</param>
public sealed class IncreaseLinks(Uri? publicUrl, byte[] key)
{
    public const string Path = "/limits/ask";

    private const int MacSize = 16;
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    public Uri? For(IncreaseAsk ask, DateTimeOffset now) => publicUrl is null ? null : new Uri(publicUrl, $"{Path}?t={Token(ask, now)}");

    public string Token(IncreaseAsk ask, DateTimeOffset now)
    {
        var until = (now + Lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var value = Encoding.UTF8.GetBytes(string.Join('|', ask.OrganizationId, ask.PrincipalId, ask.Period.Wire(), until));
        return Base64Url.EncodeToString([.. value, .. Mac(value)]);
    }

    /// <summary>What a link asks for; null for what is no link of this installation, or one whose week is over.</summary>
    public IncreaseAsk? Read(string token, DateTimeOffset now)
    {
        if (!Base64Url.IsValid(token, out var length) || length <= MacSize)
            return null;
        var bytes = Base64Url.DecodeFromChars(token);
        var value = bytes.AsSpan(0, bytes.Length - MacSize);
        if (!CryptographicOperations.FixedTimeEquals(Mac(value), bytes.AsSpan(value.Length)))
            return null;
        return Encoding.UTF8.GetString(value).Split('|') is [var organization, var principal, var period, var until]
            && LimitPeriods.TryParse(period, out var kind)
            && long.Parse(until, CultureInfo.InvariantCulture) > now.ToUnixTimeSeconds()
            ? new IncreaseAsk(organization, principal, kind)
            : null;
    }

    private byte[] Mac(ReadOnlySpan<byte> value) => HMACSHA256.HashData(key, value)[..MacSize];
}
