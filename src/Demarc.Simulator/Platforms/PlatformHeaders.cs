using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Platforms;

/// <summary>The response headers that each platform's clients see.</summary>
internal sealed class PlatformHeaders(TimeProvider time)
{
    private const string Organization = "5f0c3a52-6f5e-4c8e-9d0f-2b1a7c4e9d30";

    private Reset _reset = new(0, "");

    public void Add(Platform platform, IHeaderDictionary headers, string requestId)
    {
        switch (platform)
        {
            case Platform.Anthropic:
                headers["request-id"] = requestId;
                headers["anthropic-organization-id"] = Organization;
                AddLimits(headers);
                break;
            case Platform.Foundry:
                headers["request-id"] = requestId;
                headers["apim-request-id"] = Guid.CreateVersion7().ToString();
                break;
            case Platform.Bedrock:
                headers["x-amzn-requestid"] = Guid.CreateVersion7().ToString();
                break;
            case Platform.Vertex:
                headers["request-id"] = requestId;
                headers.Vary = "Origin, X-Origin, Referer";
                break;
        }
    }

    private void AddLimits(IHeaderDictionary headers)
    {
        var reset = ResetTime();
        headers["anthropic-ratelimit-requests-limit"] = "4000";
        headers["anthropic-ratelimit-requests-remaining"] = "3999";
        headers["anthropic-ratelimit-requests-reset"] = reset;
        headers["anthropic-ratelimit-input-tokens-limit"] = "2000000";
        headers["anthropic-ratelimit-input-tokens-remaining"] = "1999000";
        headers["anthropic-ratelimit-input-tokens-reset"] = reset;
        headers["anthropic-ratelimit-output-tokens-limit"] = "400000";
        headers["anthropic-ratelimit-output-tokens-remaining"] = "399000";
        headers["anthropic-ratelimit-output-tokens-reset"] = reset;
    }

    /// <summary>A minute from now, RFC 3339; formatted once a second.</summary>
    private string ResetTime()
    {
        var at = time.GetUtcNow().AddMinutes(1);
        var reset = _reset;
        if (reset.Second != at.ToUnixTimeSeconds())
            _reset = reset = new(at.ToUnixTimeSeconds(), at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        return reset.Text;
    }

    private sealed record Reset(long Second, string Text);
}
