using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.Scim;

/// <summary><c>/scim/v2</c> (RFC 7644): a directory makes, changes and removes people and groups, with a token of its own.</summary>
public sealed partial class ScimEndpoints
{
    public const string Prefix = "/scim/v2";

    private readonly string _organizationId;
    private readonly ISnapshotSource _snapshots;
    private readonly ILogger _log;
    private readonly bool _isApart;
    private readonly AbuseLimits _abuse;
    private volatile InForce _inForce;
    private readonly ScimUserResources _users;
    private readonly ScimGroupResources _groups;
    private readonly ScimBulk _bulk;

    public ScimEndpoints(ScimConfig config, Store store, string organizationId, ISnapshotSource snapshots, ILogger<ScimEndpoints> log)
    {
        (_organizationId, _snapshots, _abuse, _log) = (organizationId, snapshots, store.Abuse, log);
        (_isApart, _inForce) = (config.Listen.Length > 0, new InForce(config));
        (_users, _groups) = (new ScimUserResources(store, () => _inForce.Config.Role), new ScimGroupResources(store, snapshots));
        _bulk = new ScimBulk([_users, _groups]);
    }

    /// <summary>Takes another configuration, for requests from now on; null takes no token any more.</summary>
    public void Use(ScimConfig? config) => _inForce = new InForce(config ?? _inForce.Config with { Tokens = [] });

    /// <summary><c>GET /Users</c> and <c>/Groups</c>.</summary>
    public Task ListAsync(HttpContext http, bool groups) => HandleAsync(http, request => Kind(groups).ListAsync(request, ScimRequest.Query(name => http.Request.Query[name])));

    /// <summary><c>POST /Users/.search</c> and <c>/Groups/.search</c>.</summary>
    public Task SearchAsync(HttpContext http, bool groups) => HandleAsync(http, request =>
    {
        string? Text(string name) => ScimPatch.Field(request.Body, name) is { } value ? value is JsonArray names ? string.Join(',', names.Select(n => n?.ToString())) : value.ToString() : null;
        return Kind(groups).ListAsync(request with { View = ScimRequest.ViewOf(Text("attributes"), Text("excludedAttributes")) }, ScimRequest.Query(Text));
    });

    /// <summary>What a method does to a collection or to one resource.</summary>
    public Task ResourceAsync(HttpContext http, bool groups) => HandleAsync(http, request => request.Method switch
    {
        "POST" => Kind(groups).CreateAsync(request),
        "PUT" => Kind(groups).ReplaceAsync(request),
        "PATCH" => Kind(groups).PatchAsync(request),
        "DELETE" => Kind(groups).DeleteAsync(request),
        _ => Kind(groups).GetAsync(request),
    });

    /// <summary><c>POST /Bulk</c>.</summary>
    public Task BulkAsync(HttpContext http) => HandleAsync(http, _bulk.RunAsync);

    /// <summary><c>GET /ServiceProviderConfig</c>.</summary>
    public Task ConfigAsync(HttpContext http) => HandleAsync(http, request => Task.FromResult(ScimDiscovery.Config(request.Base)));

    /// <summary><c>GET /Schemas</c>, or one of them.</summary>
    public Task SchemasAsync(HttpContext http) => HandleAsync(http, request => Task.FromResult(ScimDiscovery.Schemas(request.Id, request.Base)));

    /// <summary><c>GET /ResourceTypes</c>, or one of them.</summary>
    public Task ResourceTypesAsync(HttpContext http) => HandleAsync(http, request => Task.FromResult(ScimDiscovery.ResourceTypes(request.Id, request.Base)));

    /// <summary>Whatever else is asked under the prefix.</summary>
    public Task NothingAsync(HttpContext http) => HandleAsync(http, _ => Task.FromResult(
        http.Request.Path == Prefix + "/Me" ? ScimAnswer.Error(501, null, "A directory is no person: there is no /Me.")
        : ScimAnswer.Error(404, null, "There is no such resource. GET /ResourceTypes names those there are.")));

    private ScimResources Kind(bool groups) => groups ? _groups : _users;

    private async Task HandleAsync(HttpContext http, Func<ScimRequest, Task<ScimAnswer>> endpoint)
    {
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await WriteAsync(http, await AnswerAsync(http, endpoint));
        }
        catch (BadHttpRequestException) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            await WriteAsync(http, ScimAnswer.Error(400, "invalidSyntax", "The request body could not be read. Send it whole."));
        }
        catch (Exception e) when (e is BadHttpRequestException || (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException))
        {
            // Nobody is left to read an answer.
        }
    }

    private async Task<ScimAnswer> AnswerAsync(HttpContext http, Func<ScimRequest, Task<ScimAnswer>> endpoint)
    {
        var address = SignInService.Address(http);
        var network = _inForce.Config.Network ?? (!_isApart ? _snapshots.Current.Network : null);
        if (network?.Refuse(http.Connection.RemoteIpAddress, "this directory") is { } denied)
        {
            LogDenied(address, denied.Code);
            return ScimAnswer.Error(403, null, denied.Message);
        }
        if (_abuse.DirectoryTokens.IsSpent(address))
            return ScimAnswer.Error(429, null, "Too many wrong tokens from this address. Try again in ten minutes.");
        if (!IsAllowed(http.Request.Headers.Authorization))
        {
            _abuse.DirectoryTokens.Take(address);
            LogStranger(address);
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"scim\"";
            return ScimAnswer.Error(401, null, "The bearer token is missing or not one of scim.tokens.");
        }
        try
        {
            var body = http.Request.Method is "POST" or "PUT" or "PATCH" ? await ScimRequest.BodyAsync(http) : [];
            var query = http.Request.Query;
            return await endpoint(new ScimRequest(
                http.Request.Method, http.Request.RouteValues["id"] as string, body, ScimRequest.ViewOf(query["attributes"], query["excludedAttributes"]),
                _organizationId, new ActorRecord("scim", "scim", IpAddress: http.Connection.RemoteIpAddress?.ToString(), UserAgent: http.Request.Headers.UserAgent), Base(http),
                Header(http, "If-Match"), Header(http, "If-None-Match")));
        }
        catch (ScimException e)
        {
            return ScimAnswer.Error(e);
        }
    }

    private bool IsAllowed(string? authorization)
    {
        const string scheme = "Bearer ";
        if (authorization?.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) is not true)
            return false;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(authorization[scheme.Length..].Trim()));
        var found = false;
        foreach (var token in _inForce.Tokens)
            found |= CryptographicOperations.FixedTimeEquals(token, hash);
        return found;
    }

    private string Base(HttpContext http) =>
        (_inForce.Config.PublicUrl?.AbsoluteUri.TrimEnd('/') ?? $"{http.Request.Scheme}://{http.Request.Host}") + Prefix;

    private static string? Header(HttpContext http, string name) => http.Request.Headers[name].ToString() is { Length: > 0 } value ? value : null;

    private static async Task WriteAsync(HttpContext http, ScimAnswer answer)
    {
        http.Response.StatusCode = answer.Status;
        if (answer.ETag is not null)
            http.Response.Headers.ETag = answer.ETag;
        if (answer.Location is not null)
            http.Response.Headers.Location = answer.Location;
        if (answer.Body is null)
            return;
        var json = JsonSerializer.SerializeToUtf8Bytes(answer.Body, ScimAnswer.Wire);
        http.Response.ContentType = "application/scim+json; charset=utf-8";
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    }

    private sealed record InForce(ScimConfig Config)
    {
        public byte[][] Tokens { get; } = [.. Config.Tokens.Select(t => SHA256.HashData(Encoding.UTF8.GetBytes(t.Reveal())))];
    }

    [LoggerMessage(2411, LogLevel.Warning, "A directory's token that does not hold came from {Address}")]
    private partial void LogStranger(string address);

    [LoggerMessage(2412, LogLevel.Warning, "A directory was refused at {Address}: {Code}")]
    private partial void LogDenied(string address, string code);
}
