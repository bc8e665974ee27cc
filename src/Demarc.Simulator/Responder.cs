using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Simulator.Management;
using Demarc.Simulator.Messages;
using Demarc.Simulator.Platforms;
using Demarc.Simulator.Scripts;
using Demarc.Simulator.Tokens;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator;

/// <summary>Composes the answer to a request: credential, script, checks, then the platform's own answer.</summary>
internal sealed class Responder(SimulatorOptions options, SimulatorScript script, SimulatorTokens tokens, SimulatorManagement management)
{
    private static readonly ReadOnlyMemory<byte> s_global = "global"u8.ToArray();
    private static readonly ReadOnlyMemory<byte> s_notAvailable = "not_available"u8.ToArray();

    private readonly Credentials _credentials = new(options.Keys);
    private readonly PlatformHeaders _headers = new(options.Time);
    private readonly PromptCache _cache = new();
    private readonly TokenEndpoints _tokens = new(tokens);
    private readonly ManagementEndpoints _management = new(management, tokens);

    /// <summary>Fills <paramref name="wire"/> and returns the rule that governs how it is sent, if any.</summary>
    public ScriptRule? Compose(Exchange exchange, WireAnswer wire)
    {
        var request = exchange.Http.Request;
        var path = exchange.Path;
        if (Token(exchange, wire, path, out var ofTokens))
            return ofTokens;
        var route = ApiRoute.Parse(request.Method, path);
        var requestId = Ids.Next("req_01");
        _headers.Add(route.Platform, exchange.Http.Response.Headers, requestId);

        // 1. The credential, where there is something to protect.
        if (route.Operation is not (Operation.Unknown or Operation.Probe) && !_credentials.Pass(route.Platform, request.Headers))
        {
            Refuse(wire, Refusal.WrongKey, route.Platform, requestId);
            return null;
        }
        if (tokens.Required && route.Operation is not (Operation.Unknown or Operation.Probe) && IssuedCredentials.Find(exchange, route, tokens) is { } unproven)
        {
            Refuse(wire, unproven, route.Platform, requestId);
            return null;
        }

        // 2. What the request asks, and the rule it meets.
        var facts = default(MessageFacts);
        var invalid = route.Operation is Operation.Messages or Operation.CountTokens ? Read(exchange, route, out facts) : null;
        var stream = route.Stream || (facts.Stream && route.Platform is Platform.Anthropic or Platform.Foundry);
        var prepared = Take(exchange, route, facts, path, stream);

        // 3. The answer.
        if (prepared?.Rule.Fault is { } fault && Refusal.From(fault) is { } refusal)
        {
            Refuse(wire, refusal, route.Platform, requestId);
            if (fault.RetryAfter is { } retryAfter)
                wire.Headers.Add(new("retry-after", retryAfter));
        }
        else if (prepared?.Body is { } body)
        {
            wire.Status = prepared.Rule.Status ?? 200;
            wire.SetWhole(body);
        }
        else if (invalid is not null)
            Refuse(wire, invalid, route.Platform, requestId);
        else if (route.Operation == Operation.Messages)
            Answer(exchange, wire, route, facts, stream, prepared);
        else if (Other(route, facts, exchange) is { } other)
            wire.SetWhole(other);
        else
            Refuse(wire, Refusal.UnknownRoute, route.Platform, requestId);

        if (prepared?.Rule.Fault is { } cut)
            Shorten(wire, route, cut);
        return prepared?.Rule;
    }

    // A script's rule takes the place of a token, or of what a management API says, too.
    private bool Token(Exchange exchange, WireAnswer wire, string path, out ScriptRule? rule)
    {
        rule = null;
        if (!_tokens.TryAnswer(exchange, wire) && !_management.TryAnswer(exchange, wire))
            return false;
        if (script.Take(null, path, exchange.Http.Request.Headers, stream: false) is not { } prepared)
            return true;
        rule = prepared.Rule;
        var refusal = rule.Fault is { } fault ? Refusal.From(fault) : null;
        if (refusal is null && prepared.Body is null)
            return true;
        wire.Reset();
        wire.Status = refusal?.Status ?? rule.Status ?? 200;
        wire.SetWhole(prepared.Body ?? "{}"u8.ToArray());
        return true;
    }

    private PreparedRule? Take(Exchange exchange, ApiRoute route, in MessageFacts facts, string path, bool stream)
    {
        if (script.IsEmpty)
            return null;
        var model = route.Id ?? System.Text.Encoding.UTF8.GetString(exchange.Body.Span[facts.Model]);
        return script.Take(model, path, exchange.Http.Request.Headers, stream);
    }

    private static Refusal? Read(Exchange exchange, ApiRoute route, out MessageFacts facts)
    {
        facts = default;
        try
        {
            facts = MessageScanner.Scan(exchange.Body.Span);
        }
        catch (JsonException)
        {
            return Refusal.Invalid("The request body is not valid JSON.");
        }

        return RequestCheck.Find(route, facts, exchange.Http.Request.Headers);
    }

    private void Answer(Exchange exchange, WireAnswer wire, ApiRoute route, in MessageFacts facts, bool stream, PreparedRule? prepared)
    {
        wire.IsStream = stream;
        var aws = stream && route.Platform == Platform.Bedrock;
        if (stream)
            wire.ContentType = aws ? "application/vnd.amazon.eventstream" : "text/event-stream; charset=utf-8";
        if (aws)
            wire.Headers.Add(new("x-amzn-bedrock-content-type", "application/json"));
        var frames = new EventFrames(wire, aws);
        if (stream && prepared?.Sse is { } sse)
        {
            frames.WriteExact(sse);
            return;
        }

        var body = exchange.Body;
        var model = route.Id is { } id ? Escape(id) : body.Span[facts.Model];
        var geo = route.Platform is Platform.Bedrock or Platform.Vertex ? s_notAvailable
            : facts.InferenceGeo.Equals(default) ? s_global : body[facts.InferenceGeo];
        var session = (string?)exchange.Http.Request.Headers["x-claude-code-session-id"];
        var usage = _cache.Settle(facts, body, route.Place, model, session, geo);
        var answer = AnswerChoice.Choose(facts, body, prepared);
        var messageId = Ids.Next(route.Platform switch { Platform.Bedrock => "msg_bdrk_01", Platform.Vertex => "msg_vrtx_01", _ => "msg_01" });

        if (stream)
            EventWriter.Write(frames, answer, usage, messageId, model);
        else
        {
            MessageWriter.WriteWhole(wire.Bytes, answer, usage, messageId, model);
            wire.EndPiece();
        }
    }

    private static byte[]? Other(ApiRoute route, in MessageFacts facts, Exchange exchange) => route.Operation switch
    {
        Operation.CountTokens => TokenCount.Write(route.Platform, exchange.Body),
        Operation.Models => route.Id is { } id ? ServedModels.Find(id) : ServedModels.List(exchange.Http.Request.Query),
        Operation.InferenceProfiles => route.Id is { } profile ? ServedModels.FindProfile(profile) : ServedModels.Profiles(),
        Operation.Probe => [],
        _ => null,
    };

    private static void Shorten(WireAnswer wire, ApiRoute route, ScriptFault fault)
    {
        if (fault.Kind == FaultKind.Truncate && !wire.IsStream)
        {
            var half = wire.Bytes.WrittenSpan[..(wire.Bytes.WrittenCount / 2)].ToArray();
            wire.KeepFirst(0);
            wire.SetWhole(half);
        }
        else if (fault.Kind == FaultKind.Truncate)
            wire.KeepFirst(fault.AfterEvents);
        else if (fault.Kind == FaultKind.ErrorEvent && wire.IsStream)
        {
            wire.KeepFirst(fault.AfterEvents);
            new EventFrames(wire, route.Platform == Platform.Bedrock).WriteError(fault.ErrorType, fault.Message);
        }
    }

    private static void Refuse(WireAnswer wire, Refusal refusal, Platform platform, string requestId)
    {
        wire.Status = refusal.StatusOn(platform);
        wire.SetWhole(refusal.Body(platform, requestId));
        if (platform == Platform.Bedrock)
            wire.Headers.Add(new("x-amzn-errortype", refusal.Exception));
    }

    private static ReadOnlySpan<byte> Escape(string text) =>
        JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes;
}
