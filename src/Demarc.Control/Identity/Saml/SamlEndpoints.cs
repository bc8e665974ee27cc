using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.Saml;

/// <summary>
/// The browser's way back from an identity provider of SAML. The provider's form comes from another site, so without the
/// cookie of the browser that began: what it says is checked and kept, and the browser fetches it with its cookie.
/// </summary>
public sealed class SamlEndpoints(SignInService signIn, SignInCompletion completion)
{
    private const int MostForm = 1 << 20;

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(2);

    private SamlService Saml => signIn.Saml!;

    /// <summary><c>GET /saml/metadata</c>.</summary>
    public Task MetadataAsync(HttpContext http)
    {
        http.Response.ContentType = "application/samlmetadata+xml; charset=utf-8";
        return http.Response.WriteAsync(Saml.Metadata, http.RequestAborted);
    }

    /// <summary><c>POST /saml/acs</c>: the provider's answer.</summary>
    public async Task AnswerAsync(HttpContext http)
    {
        if (signIn.Abuse.SignIns.IsSpent(SignInService.Address(http)))
        {
            await SignInPages.MessageAsync(http, 429, "Not signed in", "Too many answers that do not hold came from this address. Try again in ten minutes.");
            return;
        }
        if (!http.Request.HasFormContentType || await OAuthAnswer.FormAsync(http, MostForm) is not { } form)
        {
            await SignInPages.MessageAsync(http, 400, "Start again", "This is no answer of an identity provider. Run /login again and open the page that it names.");
            return;
        }
        await completion.RefusableAsync(http, null, async () =>
        {
            var identity = Saml.Read(form["SAMLResponse"]);
            var handle = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            if (!await signIn.Store.SamlAssertions.KeepAsync(
                signIn.OrganizationId, identity.Identity.Issuer, identity.AssertionId, Hash(handle), identity.RequestId,
                JsonSerializer.Serialize(new StoredIdentity(identity.Provider, identity.Identity)), identity.ExpiresAt, signIn.Time.GetUtcNow() + Kept))
                throw new SignInException("saml_replay", $"An assertion of {identity.Provider} came a second time");
            http.Response.StatusCode = 303;
            http.Response.Headers.Location = $"{SamlService.FinishPath}?answer={handle}";
        });
    }

    /// <summary><c>GET /saml/finish</c>: the browser that began fetches it.</summary>
    public async Task FinishAsync(HttpContext http)
    {
        if (completion.Take(http) is not { } pending)
        {
            await completion.StrangerAsync(http);
            return;
        }
        await completion.RefusableAsync(http, pending, async () =>
        {
            var (requestId, json) = await signIn.Store.SamlAssertions.TakeAsync(signIn.OrganizationId, Hash(http.Request.Query["answer"].ToString()), signIn.Time.GetUtcNow())
                ?? throw new SignInException("saml_answer", "The answer was fetched already, or is too old", "This sign-in is too old. Run /login again.");
            var kept = JsonSerializer.Deserialize<StoredIdentity>(json)!;
            if (!PendingSignIn.Same(pending.State, requestId) || kept.Provider != pending.Issuer)
                throw new SignInException("saml_in_response_to", $"The answer of {kept.Provider} is to another request than this browser's");
            await completion.CompleteAsync(http, pending, kept.Identity, null);
        });
    }

    private static byte[] Hash(string handle) => SHA256.HashData(Encoding.UTF8.GetBytes(handle));

    private sealed record StoredIdentity(string Provider, ProvidedIdentity Identity);
}
