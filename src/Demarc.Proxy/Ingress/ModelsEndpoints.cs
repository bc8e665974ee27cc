using System.Text.Json;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>
/// <c>GET /v1/models</c> and <c>/v1/models/{id}</c> (Models API, "List Models" and "Get a Model"): the names this
/// key may ask for, on every platform, also those that lack the API themselves.
/// </summary>
public sealed class ModelsEndpoints(ISnapshotSource snapshots, TimeProvider time)
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1000;
    private static readonly DateOnly Unreleased = new(1970, 1, 1);

    public async Task ListAsync(HttpContext http)
    {
        if (await KeyCheck.PrincipalAsync(http, snapshots) is not { } principal)
            return;
        var snapshot = snapshots.Current;
        var query = http.Request.Query;
        var limit = DefaultLimit;
        if (query["limit"] is [{ } text, ..] && (!int.TryParse(text, out limit) || limit is < 1 or > MaxLimit))
        {
            await ErrorEnvelope.WriteAsync(http, 400, "invalid_request_error", $"limit: Input should be a whole number from 1 to {MaxLimit}.");
            return;
        }
        // Each name is a decision of its own: only as many are made as a page needs.
        var listed = snapshot.Names.Listed;
        var (after, before) = (query["after_id"] is [{ Length: > 0 } a, ..] ? a : null, query["before_id"] is [{ Length: > 0 } b, ..] ? b : null);
        var (at, step) = (-1, after is null && before is not null ? -1 : 1);
        if ((after ?? before) is { } place && ((at = Array.FindIndex(listed, m => m.Name == place)) < 0 || !IsAllowed(snapshot, principal, place)))
        {
            await ErrorEnvelope.WriteAsync(http, 400, "invalid_request_error", "after_id or before_id names no model of this list. Use first_id or last_id of a page.");
            return;
        }
        var page = new List<(string Name, DeploymentSnapshot Deployment)>(limit + 1);
        for (at += step; at >= 0 && at < listed.Length && page.Count <= limit; at += step)
        {
            if (IsAllowed(snapshot, principal, listed[at].Name))
                page.Add(listed[at]);
        }
        var hasMore = page.Count > limit;
        if (hasMore)
            page.RemoveAt(limit);
        if (step < 0)
            page.Reverse();
        await WriteAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var model in page)
                Model(json, snapshot, model.Name, model.Deployment.Model);
            json.WriteEndArray();
            json.WriteString("first_id", page.Count > 0 ? page[0].Name : null);
            json.WriteBoolean("has_more", hasMore);
            json.WriteString("last_id", page.Count > 0 ? page[^1].Name : null);
            json.WriteEndObject();
        });
    }

    public async Task GetAsync(HttpContext http, string id)
    {
        if (await KeyCheck.PrincipalAsync(http, snapshots) is not { } principal)
            return;
        var snapshot = snapshots.Current;
        var decision = Decision.Decide(snapshot, principal, null, id, time.GetUtcNow());
        if (decision.Refusal is not null)
        {
            await ErrorEnvelope.WriteAsync(http, Refused.UnknownModel.Status, Refused.UnknownModel.Type, "There is no model of that name for this key. GET /v1/models lists them.");
            return;
        }
        await WriteAsync(http, json => Model(json, snapshot, id, decision.Plan[0].Model));
    }

    private bool IsAllowed(GatewaySnapshot snapshot, Principal principal, string name) =>
        Decision.Decide(snapshot, principal, null, name, time.GetUtcNow()).Refusal is null;

    private static void Model(Utf8JsonWriter json, GatewaySnapshot snapshot, string name, string modelId)
    {
        var model = snapshot.Catalog.FindModel(modelId);
        json.WriteStartObject();
        json.WriteString("id", name);
        json.WriteString("type", "model");
        json.WriteString("display_name", model?.Name ?? name);
        // The Models API allows the epoch where the release is not known.
        json.WriteString("created_at", (model?.Released ?? Unreleased).ToString("yyyy-MM-dd'T00:00:00Z'", System.Globalization.CultureInfo.InvariantCulture));
        Number(json, "max_input_tokens", model?.ContextWindow);
        Number(json, "max_tokens", model?.MaxOutput);
        json.WriteNull("capabilities");
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    private static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        write(json);
        await json.FlushAsync(http.RequestAborted);
    }
}
