using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Demarc.Bench.Load;

/// <summary>Messages requests as Claude Code sends them, of an exact size, with a place for what makes each one new.</summary>
/// <param name="Body">JSON with <see cref="Mark"/> in the last user message.</param>
internal sealed record RequestText(string Name, string Body)
{
    /// <summary>Stands where a unique text of the same length goes.</summary>
    public const string Mark = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

    /// <summary>Answered at once.</summary>
    public const string InstantModel = "claude-sonnet-5";

    /// <summary>Answered after the scripted latency.</summary>
    public const string DelayedModel = "claude-opus-5";

    private static readonly string[] s_tools =
    [
        "Bash", "Read", "Edit", "Write", "Glob", "Grep", "Task", "WebFetch", "WebSearch", "TodoWrite", "NotebookEdit", "KillShell", "BashOutput",
        "ExitPlanMode", "Skill", "SlashCommand",
    ];

    private static readonly string[] s_required = ["path"];

    private static readonly string[] s_words =
        ["retry", "policy", "stream", "record", "answer", "budget", "deploy", "resource", "boundary", "session", "evidence", "window"];

    /// <summary>A short conversation: three messages and a system prompt.</summary>
    public static RequestText Small(bool stream = false, string model = InstantModel) =>
        Sized("1 KB", 1024, filler => new
        {
            model,
            max_tokens = 1024,
            stream,
            system = "You are a careful assistant. Answer in one sentence.",
            messages = new object[]
            {
                new { role = "user", content = "Which file holds the retry policy? " + filler },
                new { role = "assistant", content = "The retry policy is in src/Http/RetryPolicy.cs; it retries twice." },
                new { role = "user", content = $"Raise the retries to five and say why {Mark}" },
            },
        });

    /// <summary>A turn of a coding agent: a long system prompt, its tools, and a conversation with tool calls.</summary>
    public static RequestText Large(bool stream = false, string model = InstantModel) =>
        Sized("85 KB", 85 << 10, filler => new
        {
            model,
            max_tokens = 32_000,
            stream,
            metadata = new { user_id = "bench" },
            system = new object[]
            {
                new { type = "text", text = "You are Claude Code, an interactive command-line tool for software engineering.", cache_control = new { type = "ephemeral" } },
                new { type = "text", text = Prose(14_000, 1), cache_control = new { type = "ephemeral" } },
            },
            tools = Tools(),
            messages = Conversation(filler),
        });

    /// <summary>The request's head, with <c>@SESSION@</c> where the session's id goes.</summary>
    public string Head(Target target) => string.Create(CultureInfo.InvariantCulture, $"""
        POST /v1/messages?beta=true HTTP/1.1
        host: {target.Url.Authority}
        accept: application/json
        content-type: application/json
        content-length: {Encoding.UTF8.GetByteCount(Body)}
        user-agent: claude-cli/2.1.197 (external, cli)
        {string.Join("\n", target.Headers)}
        anthropic-version: 2023-06-01
        anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14
        x-app: cli
        x-stainless-lang: js
        x-stainless-package-version: 0.70.0
        x-stainless-retry-count: 0
        x-stainless-timeout: 600
        x-claude-code-session-id: @SESSION@


        """).ReplaceLineEndings("\r\n");

    private static RequestText Sized(string name, int bytes, Func<string, object> body)
    {
        var length = JsonSerializer.Serialize(body("")).Length;
        var text = JsonSerializer.Serialize(body(Prose(bytes - length, 2)));
        return text.Length == bytes ? new RequestText(name, text) : throw new BenchSizeException(text.Length, bytes);
    }

    private static object[] Tools() =>
        [.. s_tools.Select((name, i) => new
        {
            name,
            description = Prose(2_000, 10 + i),
            input_schema = new
            {
                type = "object",
                properties = new
                {
                    path = new { type = "string", description = Prose(160, 40 + i) },
                    command = new { type = "string", description = Prose(160, 60 + i) },
                    limit = new { type = "integer" },
                },
                required = s_required,
                additionalProperties = false,
            },
        })];

    private static object[] Conversation(string filler)
    {
        var messages = new List<object> { new { role = "user", content = new object[] { new { type = "text", text = Prose(3_000, 100) } } } };
        for (var i = 0; i < 5; i++)
        {
            var id = $"toolu_{i:00000000}";
            messages.Add(new { role = "assistant", content = new object[] { new { type = "text", text = Prose(300, 110 + i) }, new { type = "tool_use", id, name = "Read", input = new { path = $"src/part{i}.cs" } } } });
            messages.Add(new { role = "user", content = new object[] { new { type = "tool_result", tool_use_id = id, content = Prose(2_500, 120 + i) + (i == 0 ? filler : "") } } });
        }
        messages.Add(new { role = "assistant", content = new object[] { new { type = "text", text = Prose(400, 130) } } });
        messages.Add(new { role = "user", content = new object[] { new { type = "text", text = $"Now change the retries {Mark}", cache_control = new { type = "ephemeral" } } } });
        return [.. messages];
    }

    /// <summary>Text that needs no escapes, different for each seed.</summary>
    private static string Prose(int length, int seed)
    {
        var text = new StringBuilder(length + 16);
        for (var i = (uint)seed; text.Length < length; i = (i * 1_664_525) + 1_013_904_223)
            text.Append(s_words[(i >> 16) % s_words.Length]).Append(' ');
        return text.ToString(0, Math.Max(0, length));
    }
}

/// <summary>The fixed parts of a request are larger than it should be.</summary>
internal sealed class BenchSizeException(int is_, int should) : Exception($"The request is {is_} bytes and should be {should}.");
