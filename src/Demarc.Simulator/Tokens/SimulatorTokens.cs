using System.Collections.Concurrent;
using System.Security.Cryptography;
using Demarc.Simulator.Platforms;

namespace Demarc.Simulator.Tokens;

/// <summary>The tokens and keys that the simulated sign-in services gave out, and whether the platforms ask for them.</summary>
public sealed class SimulatorTokens
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _bearers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AwsKey> _keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _issued = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RSAParameters> _accounts = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    internal SimulatorTokens(TimeProvider time) => (_time, Entra) = (time, new EntraIssuer(time));

    /// <summary>Who signs the tokens of Entra ID.</summary>
    public EntraIssuer Entra { get; }

    internal sealed record AwsKey(string Secret, string? Session, DateTimeOffset Expires);

    /// <summary>
    /// True for platforms that take nothing but what was given out here or added: a valid AWS signature, an unexpired bearer, an
    /// added key. Default false.
    /// </summary>
    public bool Required { get; set; }

    /// <summary>How long what is given out lasts; default one hour.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The one AWS region whose signatures hold; null (the default) for any.</summary>
    public string? Region { get; set; }

    /// <summary>Accepts a long-lived AWS access key.</summary>
    public void AddAwsKey(string accessKey, string secret) => _keys[accessKey] = new AwsKey(secret, null, DateTimeOffset.MaxValue);

    /// <summary>Accepts a bearer or an API key.</summary>
    public void AddKey(string key) => _bearers[key] = DateTimeOffset.MaxValue;

    /// <summary>Accepts what a Google service account signs with its key; once there is one, no other's assertions hold.</summary>
    public void AddServiceAccount(string email, RSAParameters publicKey) => _accounts[email] = publicKey;

    /// <summary>How often a service gave something out: <c>entra</c>, <c>imds</c>, <c>app-service</c>, <c>sts</c>, <c>ec2</c>, <c>ecs</c>, <c>google</c>, <c>gce</c>.</summary>
    public int Issued(string service) => _issued.GetValueOrDefault(service);

    /// <summary>From now on nothing holds that was given out so far, whatever its end says.</summary>
    public void Expire()
    {
        foreach (var (token, expires) in _bearers)
        {
            if (expires != DateTimeOffset.MaxValue)
                _bearers[token] = DateTimeOffset.MinValue;
        }
        foreach (var (id, key) in _keys)
        {
            if (key.Session is not null)
                _keys[id] = key with { Expires = DateTimeOffset.MinValue };
        }
    }

    internal (string Token, DateTimeOffset Expires) NewBearer(string service) => NewBearer(service, Ids.Next(service + "-token-"));

    internal (string Token, DateTimeOffset Expires) NewBearer(string service, string token)
    {
        Count(service);
        var expires = _time.GetUtcNow() + Lifetime;
        _bearers[token] = expires;
        return (token, expires);
    }

    internal (string Id, AwsKey Key) NewAwsKey(string service)
    {
        Count(service);
        var (id, key) = (Ids.Next("ASIA").ToUpperInvariant(), new AwsKey(Ids.Next("secret/"), Ids.Next("session+/="), _time.GetUtcNow() + Lifetime));
        _keys[id] = key;
        return (id, key);
    }

    internal bool IsGood(string bearer) => _bearers.TryGetValue(bearer, out var expires) && _time.GetUtcNow() < expires;

    internal bool Knows(string bearer) => _bearers.ContainsKey(bearer);

    internal bool HasServiceAccounts => !_accounts.IsEmpty;

    internal RSAParameters? ServiceAccount(string email) => _accounts.TryGetValue(email, out var key) ? key : null;

    internal AwsKey? Find(string accessKey) => _keys.GetValueOrDefault(accessKey);

    internal bool IsExpired(AwsKey key) => _time.GetUtcNow() >= key.Expires;

    private void Count(string service) => _issued.AddOrUpdate(service, 1, static (_, n) => n + 1);
}
