using System.IO.Enumeration;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Scripts;

/// <summary>
/// The rules in force. A request goes to the first rule whose conditions it meets and whose window
/// (<see cref="ScriptRule.From"/>, <see cref="ScriptRule.Times"/>) it falls in; a rule counts the requests
/// that meet its conditions and that no rule before it took.
/// </summary>
public sealed class SimulatorScript
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    private volatile PreparedRule[] _rules = [];

    /// <summary>Replaces all rules; every count starts again.</summary>
    public void Set(params ScriptRule[] rules) => _rules = [.. rules.Select(rule => new PreparedRule(rule))];

    /// <summary>Back to the simulator's own answers.</summary>
    public void Clear() => _rules = [];

    /// <summary>Replaces all rules by <c>{"rules":[…]}</c>; throws <see cref="JsonException"/> for what is no script.</summary>
    public void SetJson(ReadOnlySpan<byte> json) =>
        Set(JsonSerializer.Deserialize<Document>(json, s_json)?.Rules ?? throw new JsonException("a script is an object with rules"));

    internal bool IsEmpty => _rules.Length == 0;

    internal PreparedRule? Take(string? model, ReadOnlySpan<char> path, IHeaderDictionary headers, bool stream)
    {
        foreach (var prepared in _rules)
        {
            if (Meets(prepared.Rule, model, path, headers, stream) && prepared.Count())
                return prepared;
        }

        return null;
    }

    private static bool Meets(ScriptRule rule, string? model, ReadOnlySpan<char> path, IHeaderDictionary headers, bool stream)
    {
        if (rule.Stream is { } wanted && wanted != stream)
            return false;
        if (rule.Path is { } pathPattern && !Matches(pathPattern, path))
            return false;
        if (rule.Model is { } modelPattern && (model is null || !Matches(modelPattern, model)))
            return false;
        if (rule.Header is not { } header)
            return true;
        var colon = header.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? headers.ContainsKey(header)
            : headers[header[..colon]].Any(value => Matches(header[(colon + 1)..].Trim(), value));
    }

    private static bool Matches(string pattern, ReadOnlySpan<char> value) =>
        FileSystemName.MatchesSimpleExpression(pattern, value, ignoreCase: false);

    private sealed record Document(ScriptRule[]? Rules);
}
