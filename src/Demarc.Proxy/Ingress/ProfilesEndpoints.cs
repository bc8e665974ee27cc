using System.Globalization;
using System.Text.Json;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>
/// <c>GET /inference-profiles</c> and <c>/inference-profiles/{id}</c> (Amazon Bedrock API, "ListInferenceProfiles" and
/// "GetInferenceProfile"): the names this key may ask for, as profiles of Bedrock. All on one page.
/// </summary>
public sealed class ProfilesEndpoints(ISnapshotSource snapshots, TimeProvider time)
{
    public async Task ListAsync(HttpContext http)
    {
        if (await KeyCheck.PrincipalAsync(http, snapshots, Dialect.Bedrock) is not { } principal)
            return;
        var snapshot = snapshots.Current;
        var resource = CloudPath.Resource(http, snapshot, Dialect.Bedrock);
        var names = http.Request.Query["type"] == "APPLICATION" ? [] // No name here is a client's own.
            : resource is null ? snapshot.Names.Listed
            : [.. snapshot.Resources.Where(r => r.Name == resource).SelectMany(r => r.Deployments).Select(d => (d.Name, d))];
        var listed = Array.FindAll(names, m => Decision.Decide(snapshot, principal, resource, m.Name, time.GetUtcNow()).Refusal is null);
        await WriteAsync(http, json =>
        {
            json.WriteStartArray("inferenceProfileSummaries");
            foreach (var (name, deployment) in listed)
            {
                json.WriteStartObject();
                Profile(json, snapshot.Catalog, name, deployment);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    public async Task GetAsync(HttpContext http, string id)
    {
        if (await KeyCheck.PrincipalAsync(http, snapshots, Dialect.Bedrock) is not { } principal)
            return;
        var snapshot = snapshots.Current;
        id = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var decision = Decision.Decide(snapshot, principal, CloudPath.Resource(http, snapshot, Dialect.Bedrock), id, time.GetUtcNow());
        if (decision.Refusal is not null)
        {
            await ErrorEnvelope.WriteAsync(
                http, Refused.UnknownModel.Status, Refused.UnknownModel.Type,
                "There is no inference profile of that name for this key. GET /inference-profiles lists them.", dialect: Dialect.Bedrock);
            return;
        }
        await WriteAsync(http, json => Profile(json, snapshot.Catalog, id, decision.Plan[0]));
    }

    private static void Profile(Utf8JsonWriter json, Catalog catalog, string name, DeploymentSnapshot deployment)
    {
        var model = catalog.FindModel(deployment.Model);
        var region = deployment.Resource.Region ?? "global";
        var foundation = model?.On(Platform.Bedrock)?.Ids[0] ?? $"anthropic.{deployment.Model}";
        var at = (model?.Released ?? new DateOnly(1970, 1, 1)).ToString("yyyy-MM-dd'T00:00:00Z'", CultureInfo.InvariantCulture);
        json.WriteString("inferenceProfileId", name);
        json.WriteString("inferenceProfileArn", $"arn:aws:bedrock:{region}:000000000000:inference-profile/{name}");
        json.WriteString("inferenceProfileName", model?.Name ?? name);
        json.WriteString("description", $"Served by {deployment.FullName}");
        json.WriteString("type", "SYSTEM_DEFINED");
        json.WriteString("status", "ACTIVE");
        json.WriteString("createdAt", at);
        json.WriteString("updatedAt", at);
        json.WriteStartArray("models");
        json.WriteStartObject();
        json.WriteString("modelArn", $"arn:aws:bedrock:{region}::foundation-model/{foundation}");
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        await json.FlushAsync(http.RequestAborted);
    }
}
