using Demarc.Control.Configuration;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.Saml;

/// <summary>Demarc as a service provider: what it asks, and whether an answer holds.</summary>
internal sealed class SamlService(SamlConfig config, MasterKey master, TimeProvider time, Func<string> address)
{
    public const string MetadataPath = "/saml/metadata";
    public const string AcsPath = "/saml/acs";
    public const string FinishPath = "/saml/finish";

    // An XML id does not begin with a digit.
    private readonly SignedId _requests = new("_", master);
    private readonly SamlKeys _keys = new(config.Keys);

    public SamlProvider[] Providers { get; } = [.. config.Providers.Select(p => new SamlProvider(p))];

    private string EntityId => config.EntityId ?? address() + MetadataPath;

    private string AcsUrl => address() + AcsPath;

    public string Metadata => SamlMetadata.Write(EntityId, AcsUrl, _keys, Providers.Any(p => p.Config.SignRequests));

    /// <summary>A new request's id: forgeries are told without the store.</summary>
    public string NewRequestId() => _requests.Of(Ids.NewGuid(time.GetUtcNow())).Reveal();

    /// <summary>Sends the browser to a provider.</summary>
    public Task SendAsync(HttpContext http, SamlProvider provider, string requestId)
    {
        var to = provider.Current().SignOn;
        var request = SamlRequest.Of(requestId, time.GetUtcNow(), to, AcsUrl, EntityId);
        var key = provider.Config.SignRequests ? _keys.Certificates[0] : null;
        if (provider.Config.Post)
            return SignInPages.ForwardAsync(http, to, provider.Config.Name, "SAMLRequest", SamlRequest.FormValue(request, key));
        http.Response.StatusCode = 303;
        http.Response.Headers.Location = SamlRequest.RedirectUrl(request, to, key);
        return Task.CompletedTask;
    }

    /// <exception cref="SignInException">The answer does not hold.</exception>
    public SamlIdentity Read(string? response)
    {
        byte[] xml;
        try
        {
            xml = Convert.FromBase64String(response ?? "");
        }
        catch (FormatException)
        {
            throw new SignInException("saml_xml", "SAMLResponse is no base64");
        }
        var identity = new SamlAnswer(Providers, _keys, EntityId, AcsUrl, time).Read(xml);
        if (!_requests.TryRead(identity.RequestId, out _, out _))
            throw new SignInException("saml_in_response_to", $"The answer of {identity.Provider} is to a request that was never made here");
        return identity;
    }
}
