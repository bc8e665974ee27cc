using System.Net;

namespace Demarc.Governance.Identity;

/// <summary>
/// Every limit on what strangers may try, by address and by account, in one place. Each replica counts by itself, so that no
/// stranger reaches the store, and hears of the others' counts each second.
/// </summary>
public sealed class AbuseLimits(TimeProvider time)
{
    private const int MostKeys = 100;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    // What was tried already is no new guess: a client that sends its old key without end closes no address to its neighbours.
    private readonly Attempts _tried = new(1, Window, time);
    private readonly Attempts _keys = new(MostKeys, Window, time);

    /// <summary>Device codes asked for, by address: 60 a minute.</summary>
    public Attempts DeviceCodes { get; } = new(60, TimeSpan.FromMinutes(1), time);

    /// <summary>User codes, and answers of identity providers, that do not hold, by address: 10 in ten minutes.</summary>
    public Attempts SignIns { get; } = new(10, Window, time);

    /// <summary>Device codes and refresh tokens that do not hold, by address: 10 in ten minutes.</summary>
    public Attempts Tokens { get; } = new(10, Window, time);

    /// <summary>Sign-ins of an account, refused ones too: 30 an hour.</summary>
    public Attempts Accounts { get; } = new(30, TimeSpan.FromHours(1), time);

    /// <summary>Refreshes of one session: 120 an hour.</summary>
    public Attempts Refreshes { get; } = new(120, TimeSpan.FromHours(1), time);

    /// <summary>Tokens of a directory that do not hold, by address: 20 in ten minutes.</summary>
    public Attempts DirectoryTokens { get; } = new(20, Window, time);

    /// <summary>Identity tokens of workloads that do not hold, by address: 20 in ten minutes.</summary>
    public Attempts IdentityTokens { get; } = new(20, Window, time);

    /// <summary>Those that replicas tell each other, by name.</summary>
    public (string Name, Attempts Attempts)[] Shared =>
    [
        ("device_codes", DeviceCodes), ("sign_ins", SignIns), ("tokens", Tokens), ("accounts", Accounts), ("refreshes", Refreshes), ("directory_tokens", DirectoryTokens),
        ("identity_tokens", IdentityTokens), ("keys", _keys),
    ];

    /// <summary>What an address is counted as: itself, or with version 6 its network of 64 bits, which one household has whole.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null)
            return "unknown";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        const int version6 = 16;
        var bytes = address.GetAddressBytes();
        if (bytes.Length != version6 || IPAddress.IsLoopback(address))
            return address.ToString();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }

    /// <summary>Whether an address has tried 100 different keys or access tokens that do not hold within ten minutes.</summary>
    public bool AreKeysSpent(IPAddress? address) => !_keys.IsEmpty && _keys.IsSpent(Of(address));

    /// <summary>Counts a key that does not hold, once; whether it is the one after which no others are looked at.</summary>
    /// <param name="key">Its hash.</param>
    public bool TakeKey(IPAddress? address, ReadOnlySpan<byte> key)
    {
        var who = Of(address);
        return _tried.Take($"{who} {Convert.ToHexString(key[..8])}") && _keys.Take(who) && _keys.IsSpent(who);
    }
}
