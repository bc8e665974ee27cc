using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.SignIn;

/// <summary>Reads who somebody is from what an issuer says of them.</summary>
internal static class IssuerClaims
{
    /// <param name="told">The id_token's claims, then userinfo's; the first that has a claim counts.</param>
    /// <exception cref="SignInException">A claim is missing, or nothing allows the person in.</exception>
    public static ProvidedIdentity Identity(IssuerConfig config, string issuer, string subject, JsonElement[] told)
    {
        var email = First(json => Text(json, config.Email))
            ?? throw new SignInException("no_email", $"{config.Name} gives no claim {config.Email}: ask for the scope that has it, or name another in identity.issuers.email");
        if (PrincipalRules.EmailProblem(email) is { } wrong)
            throw new SignInException("email", $"The claim {config.Email} of {config.Name} is no address: {wrong}");
        SignInException.RequireDomain(config.Name, email, config.EmailDomains);
        if (config.Email == "email" && !Array.Exists(told, IsVerified))
            throw new SignInException("email_unverified", $"{config.Name} does not say that the address is verified (email_verified); name the claim to trust in identity.issuers.email");
        if (Array.Exists(told, IsOverage))
            throw new SignInException("groups_overage", $"{config.Name} leaves groups out, as there are too many (_claim_names): emit only groups assigned to the application, or app roles");
        var groups = told.Select(json => Groups(json, config.Groups)).FirstOrDefault(g => g is not null) ?? [];
        if (!config.AllowedGroups.Contains("*") && !config.AllowedGroups.Intersect(groups).Any())
            throw SignInException.NotAllowed(config.Name, config.Groups, groups.Length);
        var name = First(json => Text(json, "name")) ?? email;
        return new ProvidedIdentity(issuer, subject, email, PrincipalRules.NameProblem(name) is null ? name : email, groups);

        string? First(Func<JsonElement, string?> read) => told.Select(read).FirstOrDefault(t => !string.IsNullOrEmpty(t));
    }

    /// <summary>What is at a claim or a JSON pointer (RFC 6901: a slash in a name is <c>~1</c>); null where there is nothing.</summary>
    public static JsonElement? Find(JsonElement claims, string place)
    {
        var at = claims;
        foreach (var part in place.StartsWith('/') ? place[1..].Split('/').Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)) : [place])
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out at))
                return null;
        return at;
    }

    /// <summary>The names at a claim or a JSON pointer; null where there is none.</summary>
    public static string[]? Groups(JsonElement claims, string place)
    {
        if (Find(claims, place) is not { } at)
            return null;
        return at.ValueKind switch
        {
            JsonValueKind.Array => [.. at.EnumerateArray().Where(g => g.ValueKind == JsonValueKind.String).Select(g => g.GetString()!).Where(g => PrincipalRules.NameProblem(g) is null).Distinct()],
            JsonValueKind.String when PrincipalRules.NameProblem(at.GetString()!) is null => [at.GetString()!],
            _ => null,
        };
    }

    public static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // Some send it as text.
    private static bool IsVerified(JsonElement json) =>
        json.TryGetProperty("email_verified", out var verified) && (verified.ValueKind == JsonValueKind.True || Text(json, "email_verified") == "true");

    // Entra ID, "Groups overage claim".
    public static bool IsOverage(JsonElement json) =>
        json.TryGetProperty("_claim_names", out var names) && names.ValueKind == JsonValueKind.Object && names.TryGetProperty("groups", out _);
}
