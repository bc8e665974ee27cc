using System.Buffers;
using System.Text.Json;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Platforms;

/// <summary>An error answer: what the platforms share of it, before each gives it its own shape.</summary>
/// <param name="Status">HTTP status on the Anthropic API (page "Claude API errors").</param>
/// <param name="Type">Anthropic's <c>error.type</c>.</param>
/// <param name="AwsException">Bedrock's exception name; null for the one of the status.</param>
/// <param name="AtEdge">Raised by the platform's front door rather than by the model service; on Foundry that is Azure's shape.</param>
internal sealed record Refusal(int Status, string Type, string Message, bool AtEdge = false, string? AwsException = null)
{
    public static readonly Refusal WrongKey = new(401, "authentication_error", "invalid x-api-key", AtEdge: true);

    public static readonly Refusal UnknownRoute = new(404, "not_found_error", "Not found", AtEdge: true);

    public static Refusal Invalid(string message) => new(400, "invalid_request_error", message);

    /// <summary>The refusal that a fault asks for; null for faults that are none.</summary>
    public static Refusal? From(ScriptFault fault)
    {
        Refusal? refusal = fault.Kind switch
        {
            FaultKind.RateLimited => new(429, "rate_limit_error", "This request would exceed your rate limit."),
            FaultKind.Overloaded => new(529, "overloaded_error", "Overloaded"),
            FaultKind.ServerError => new(500, "api_error", "Internal server error"),
            FaultKind.Unauthorized => WrongKey,
            FaultKind.Forbidden => new(403, "permission_error", "Your credential may not use this resource.", AtEdge: true),
            FaultKind.ExpiredToken => new(401, "authentication_error", "The token has expired.", AtEdge: true, "ExpiredTokenException"),
            FaultKind.WrongRegion => new(400, "invalid_request_error", "The model is not available in this region: account 000000000000 has no access there.", AtEdge: true),
            FaultKind.NotFound => new(404, "not_found_error", "The requested resource could not be found.", AtEdge: true),
            _ => null,
        };
        return refusal is null ? null : refusal with { Type = fault.ErrorType ?? refusal.Type, Message = fault.Message ?? refusal.Message };
    }

    public int StatusOn(Platform platform) => (platform, Status) switch
    {
        (Platform.Bedrock, 401) => 403,
        (Platform.Bedrock or Platform.Vertex, 529) => 503,
        _ => Status,
    };

    /// <summary>Bedrock's exception name, for <c>x-amzn-errortype</c>.</summary>
    public string Exception => AwsException ?? Status switch
    {
        400 => "ValidationException",
        401 or 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 or 529 => "ServiceUnavailableException",
        _ => "InternalServerException",
    };

    public byte[] Body(Platform platform, string requestId)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        if (platform == Platform.Bedrock)
            json.WriteString("message", Message);
        else if (platform == Platform.Vertex && AtEdge)
            WriteGoogle(json);
        else if (platform == Platform.Foundry && AtEdge)
            WriteAzure(json);
        else
            WriteAnthropic(json, requestId);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private void WriteAnthropic(Utf8JsonWriter json, string requestId)
    {
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", Type);
        json.WriteString("message", Message);
        json.WriteEndObject();
        json.WriteString("request_id", requestId);
    }

    private void WriteAzure(Utf8JsonWriter json)
    {
        json.WriteStartObject("error");
        json.WriteString("code", Status switch { 401 => "401", 403 => "PermissionDenied", _ => Status.ToString(System.Globalization.CultureInfo.InvariantCulture) });
        json.WriteString("message", Message == WrongKey.Message
            ? "Access denied: the subscription key is not valid, or the endpoint belongs to another resource or region."
            : Message == UnknownRoute.Message ? "Resource not found" : Message);
        json.WriteEndObject();
    }

    private void WriteGoogle(Utf8JsonWriter json)
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", StatusOn(Platform.Vertex));
        json.WriteString("message", Message);
        json.WriteString("status", Status switch
        {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            503 or 529 => "UNAVAILABLE",
            _ => "INTERNAL",
        });
        json.WriteEndObject();
    }
}
