using System.Security.Cryptography;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.Saml;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>What all steps of a sign-in share: the configuration, the secrets of machines, and who is counted.</summary>
public sealed class SignInService
{
    internal const string CodePath = "/device";
    internal const string CallbackPath = "/oauth/callback";

    // RFC 8628, 6.1: no vowels, so that no word comes out, and no letter that looks like another. 20^8 codes.
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    internal static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(10);
    internal static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);

    /// <param name="url">Where clients find the gateway, without a trailing slash; asked when it listens.</param>
    public SignInService(IdentityConfig config, Store store, string organizationId, MasterKey master, HttpMessageHandler handler, Func<Uri> url, TimeProvider time, SeatConfig? seats = null)
    {
        (Config, Store, OrganizationId, Time, Url, Seats) = (config, store, organizationId, time, url, seats);
        var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(20), MaxResponseContentBufferSize = 1 << 20 };
        Issuers = [.. config.Issuers.Select(i => new Issuer(i, http, time))];
        Saml = config.Saml is { } saml ? new SamlService(saml, master, time, () => Base) : null;
        Seal = new SignInSeal(master);
        Grants = new GrantSeal(master);
        Tokens = new AccessTokens(master, time);
        Devices = new SignedId("demarc_device_", master);
        Refreshes = new SignedId("demarc_refresh_", master);
        Opened = new Attempts(60, TimeSpan.FromMinutes(1), time);
        Failed = new Attempts(10, TimeSpan.FromMinutes(10), time);
        Accounts = new Attempts(30, TimeSpan.FromHours(1), time);
        Polled = new Attempts(1, PollInterval - TimeSpan.FromSeconds(1), time);
    }

    internal IdentityConfig Config { get; }

    internal Store Store { get; }

    internal string OrganizationId { get; }

    internal TimeProvider Time { get; }

    internal Func<Uri> Url { get; }

    internal Issuer[] Issuers { get; }

    /// <summary>Null where nobody needs a seat.</summary>
    internal SeatConfig? Seats { get; }

    /// <summary>What somebody without a seat is told to do.</summary>
    internal string SeatHelp => Seats?.Help ?? "Ask your administrator for one.";

    /// <summary>Null where there are no providers of SAML.</summary>
    internal SamlService? Saml { get; }

    public bool HasSaml => Saml is not null;

    internal SignInSeal Seal { get; }

    /// <summary>What asks an issuer again.</summary>
    internal GrantSeal Grants { get; }

    internal AccessTokens Tokens { get; }

    internal SignedId Devices { get; }

    internal SignedId Refreshes { get; }

    /// <summary>Device codes asked for, by address.</summary>
    internal Attempts Opened { get; }

    /// <summary>Wrong codes, tokens and answers of issuers, by address.</summary>
    internal Attempts Failed { get; }

    /// <summary>Sign-ins by account, refused ones too.</summary>
    internal Attempts Accounts { get; }

    /// <summary>Polls of one device code within its interval.</summary>
    internal Attempts Polled { get; }

    internal string Base => Url().AbsoluteUri.TrimEnd('/');

    internal static string Address(HttpContext http) => http.Connection.RemoteIpAddress?.ToString() ?? "unknown";

    internal static ActorRecord Actor(HttpContext http, User? user = null) =>
        new(user is null ? "anonymous" : "user", user?.Id ?? "anonymous", user?.Email, IpAddress: http.Connection.RemoteIpAddress?.ToString(), UserAgent: http.Request.Headers.UserAgent);

    internal static string NewUserCode() => RandomNumberGenerator.GetString(Letters, 8).Insert(4, "-");

    /// <summary>The keyed hash of a code as typed: case, spaces and hyphens do not count.</summary>
    internal byte[] HashUserCode(string typed) => Devices.Hash(new string([.. typed.ToUpperInvariant().Where(char.IsAsciiLetterUpper)]));
}
