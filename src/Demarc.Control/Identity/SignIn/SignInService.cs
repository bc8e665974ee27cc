using System.Security.Cryptography;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.Roles;
using Demarc.Control.Identity.Saml;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>What all steps of a sign-in share: the configuration, the secrets of machines, and who is counted.</summary>
public sealed class SignInService : IDisposable
{
    // Of people who are made here when they first sign in.
    private const string Role = "developer";

    internal const string CodePath = "/device";
    internal const string CallbackPath = "/oauth/callback";

    // RFC 8628, 6.1: no vowels, so that no word comes out, and no letter that looks like another. 20^8 codes.
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    internal static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(10);
    internal static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly MasterKey _master;
    private readonly ISnapshotSource _snapshots;
    private volatile InForce _inForce;

    /// <param name="url">Where clients find the gateway, without a trailing slash; asked when it listens.</param>
    public SignInService(IdentityConfig config, Store store, string organizationId, MasterKey master, HttpMessageHandler handler, Func<Uri> url, TimeProvider time, ISnapshotSource snapshots, SeatConfig? seats = null)
    {
        (Store, OrganizationId, Time, Url, _master, _snapshots) = (store, organizationId, time, url, master, snapshots);
        _http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(20), MaxResponseContentBufferSize = 1 << 20 };
        _inForce = Build(config, seats);
        Seal = new SignInSeal(master);
        Grants = new GrantSeal(master);
        Tokens = new AccessTokens(master, time);
        Devices = new SignedId("demarc_device_", master);
        Refreshes = new SignedId("demarc_refresh_", master);
        Polled = new Attempts(1, PollInterval - TimeSpan.FromSeconds(1), time);
    }

    internal IdentityConfig Config => _inForce.Config;

    internal Store Store { get; }

    internal string OrganizationId { get; }

    internal TimeProvider Time { get; }

    internal Func<Uri> Url { get; }

    internal Issuer[] Issuers => _inForce.Issuers;

    /// <summary>Null where nobody needs a seat.</summary>
    internal SeatConfig? Seats => _inForce.Seats;

    /// <summary>What somebody without a seat is told to do.</summary>
    internal string SeatHelp => Seats?.Help ?? "Ask your administrator for one.";

    /// <summary>Null where there are no providers of SAML.</summary>
    internal SamlService? Saml => _inForce.Saml;

    public bool HasSaml => Saml is not null;

    internal SignInSeal Seal { get; }

    /// <summary>What asks an issuer again.</summary>
    internal GrantSeal Grants { get; }

    internal AccessTokens Tokens { get; }

    internal SignedId Devices { get; }

    internal SignedId Refreshes { get; }

    internal AbuseLimits Abuse => Store.Abuse;

    /// <summary>Polls of one device code within its interval.</summary>
    internal Attempts Polled { get; }

    internal string Base => Url().AbsoluteUri.TrimEnd('/');

    /// <summary>Takes another configuration, for sign-ins from now on. Null lets nobody sign in; sessions go on.</summary>
    public void Use(IdentityConfig? config, SeatConfig? seats) => _inForce = Build(config ?? Config with { Issuers = [], Saml = null }, seats);

    public void Dispose() => _http.Dispose();

    /// <summary>The person of an identity, with those of its groups that its issuer may fill; null as <see cref="Identities.EnsureAsync"/> says.</summary>
    internal async Task<User?> EnsureAsync(ProvidedIdentity identity, ActorRecord actor) => await Store.Identities.EnsureAsync(
        OrganizationId, identity with { Groups = await GroupRoles.OpenAsync(Store, _snapshots.Current, OrganizationId, identity.Issuer, identity.Groups) }, Role, actor);

    private InForce Build(IdentityConfig config, SeatConfig? seats) => new(
        config, [.. config.Issuers.Select(i => new Issuer(i, _http, Time))], config.Saml is { } saml ? new SamlService(saml, _master, Time, () => Base) : null, seats);

    private sealed record InForce(IdentityConfig Config, Issuer[] Issuers, SamlService? Saml, SeatConfig? Seats);

    /// <summary>What limits count by.</summary>
    internal static string Address(HttpContext http) => AbuseLimits.Of(http.Connection.RemoteIpAddress);

    internal static ActorRecord Actor(HttpContext http, User? user = null) =>
        new(user is null ? "anonymous" : "user", user?.Id ?? "anonymous", user?.Email, IpAddress: http.Connection.RemoteIpAddress?.ToString(), UserAgent: http.Request.Headers.UserAgent);

    internal static string NewUserCode() => RandomNumberGenerator.GetString(Letters, 8).Insert(4, "-");

    /// <summary>The keyed hash of a code as typed: case, spaces and hyphens do not count.</summary>
    internal byte[] HashUserCode(string typed) => Devices.Hash(new string([.. typed.ToUpperInvariant().Where(char.IsAsciiLetterUpper)]));
}
