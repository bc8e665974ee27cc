using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Wire;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Receipts;

/// <summary>What was decided about a request and where it ran, hop by hop, as JSON without white space.</summary>
public static class Receipt
{
    /// <param name="boundaries">The data paths that its attempts name, as far as they are on record.</param>
    public static byte[] Of(string requestId, string organizationId, RequestOnRecord request, IReadOnlyCollection<StoredBoundary> boundaries, DateTimeOffset now)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, ActivityJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("request", requestId);
            json.WriteString("organization", organizationId);
            json.WriteString("issued_at", Rfc3339.Text(now.ToUnixTimeMilliseconds()));
            json.WritePropertyName("who");
            ActorJson.Write(json, request.Begun?.Actor ?? request.Refused?.Actor);
            json.WriteString("workspace", request.Begun?.WorkspaceId ?? request.Refused?.Fields.GetValueOrDefault("workspace_id"));
            json.WriteString("project", request.Begun?.ProjectId ?? request.Refused?.Fields.GetValueOrDefault("claude_project_id"));
            json.WriteString("begun_at", Rfc3339.Text(request.BegunAt));
            json.WriteString("finished_at", request.FinishedAt is { } at ? Rfc3339.Text(at) : null);
            json.WriteString("session", request.SessionId);
            Decision(json, request);
            if (request.Begun is { } begun)
                Begun(json, begun);
            json.WriteStartArray("attempts");
            foreach (var attempt in request.Attempts)
                Attempt(json, attempt, request.Finished?.Attempt == attempt.Number, boundaries);
            json.WriteEndArray();
            if (request.Finished is { } finished)
                Finished(json, finished);
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    private static void Decision(Utf8JsonWriter json, RequestOnRecord request)
    {
        json.WriteStartObject("decision");
        json.WriteString("outcome", request.Refused is null ? "admitted" : "refused");
        json.WriteString("model_asked", request.Begun?.ModelAsked ?? Field("model"));
        if (request.Begun is { } begun)
            json.WriteStrings("plan", begun.Plan);
        else
        {
            json.WriteString("reason", Field("reason"));
            json.WriteString("rule", Field("rule"));
            json.WriteString("message", Field("message"));
        }
        json.WriteStartObject("in_force");
        json.WriteString("policy", request.Begun?.Receipt.Policy ?? Field("policy"));
        json.WriteString("catalog", request.Begun?.Receipt.Catalog ?? Field("catalog"));
        json.WriteString("configuration", request.Begun?.Receipt.Configuration ?? Field("configuration"));
        json.WriteEndObject();
        json.WriteEndObject();

        string? Field(string name) => request.Refused?.Fields.GetValueOrDefault(name);
    }

    private static void Begun(Utf8JsonWriter json, BegunRecord begun)
    {
        json.WriteString("surface", begun.Surface);
        json.WriteString("dialect", begun.Dialect);
        json.WriteString("operation", begun.Operation);
        json.WriteBoolean("stream", begun.Stream);
        json.WriteString("capture", begun.Capture);
        json.WriteStrings("splices", begun.Splices);
        json.WriteString("betas", begun.Betas);
        json.WriteNumber("request_bytes", begun.RequestBytes);
    }

    private static void Attempt(Utf8JsonWriter json, AttemptRecord attempt, bool answered, IReadOnlyCollection<StoredBoundary> boundaries)
    {
        json.WriteStartObject();
        json.WriteNumber("number", attempt.Number);
        json.WriteString("resource", attempt.Resource);
        json.WriteString("deployment", attempt.Deployment);
        json.WriteString("model", attempt.Model);
        json.WriteString("platform", attempt.Platform);
        json.WriteString("hosting", attempt.Hosting);
        json.WriteString("scope", attempt.Scope);
        json.WriteString("region", attempt.Region);
        json.WriteString("after", attempt.After);
        json.WriteBoolean("answered", answered);
        json.WriteString("boundary", attempt.Boundary);
        json.WritePropertyName("data_path");
        // What no longer gives its own id was changed in the store: it proves nothing.
        if (boundaries.FirstOrDefault(b => b.Id == attempt.Boundary) is { } found && BoundaryDocument.IdOf(found.Document) == found.Id)
            json.WriteRawValue(found.Document);
        else
            json.WriteNullValue();
        json.WriteEndObject();
    }

    private static void Finished(Utf8JsonWriter json, FinishedRecord finished)
    {
        json.WriteStartObject("result");
        ActivityJson.Result(json, finished);
        json.WriteString("model_served", finished.ModelServed);
        ActivityJson.Usage(json, finished);
        ActivityJson.Provider(json, finished.Provider ?? new ProviderRecord());
        json.WriteEndObject();
    }
}
