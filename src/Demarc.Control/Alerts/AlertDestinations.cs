using Demarc.Governance.Identity;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Alerts;

/// <summary>An endpoint that takes Standard Webhooks.</summary>
/// <param name="Secret"><c>whsec_…</c>.</param>
/// <param name="AllowPrivate">Whether its host may resolve to addresses that are not public.</param>
public sealed record Webhook(string Name, Uri Url, Secret Secret, bool AllowPrivate);

/// <summary>Where alerts go by e-mail.</summary>
/// <param name="Password">Goes with <paramref name="User"/>; both null for a server that asks for neither.</param>
public sealed record Mailbox(string Host, int Port, string From, string[] To, string? User, Secret? Password);

/// <summary>Whom alerts are sent to.</summary>
public sealed record AlertDestinations(Webhook[] Webhooks, Mailbox? Email)
{
    public static readonly AlertDestinations None = new([], null);

    /// <summary><c>webhook:NAME</c> for each, and <c>email</c>.</summary>
    public string[] Names => [.. Webhooks.Select(NameOf), .. Email is null ? [] : (string[])[SpendAlerts.ByEmail]];

    public static string NameOf(Webhook hook) => "webhook:" + hook.Name;
}
