using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Settlement;
using Demarc.Proxy.Upstreams;

namespace Demarc.Proxy.Limits;

/// <summary>
/// Asks the deployment that a request is for how many tokens its prompt is: free, and never further from a limit than where the
/// bound from its bytes is in the way. That the prompt was sent there is on record before it is.
/// </summary>
internal sealed class InputCount(UpstreamClient upstream, UpstreamHealth health, TimeProvider time)
{
    /// <summary>Of a shorter prompt the bytes say enough.</summary>
    public const int FewestBytes = 4096;

    // As long as others' holds would be waited for otherwise, less what is left for that.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private const int MaxAnswer = 64 << 10;

    // The count is an estimate, off by "a small amount" (page "Token counting").
    private const int MarginParts = 20;

    /// <summary>What the prompt comes to at most, tokens; null where the deployment does not say.</summary>
    public async ValueTask<long?> AskAsync(Exchange x, DeploymentSnapshot[] plan, Settler settler, CancellationToken stop)
    {
        var deployment = plan[0];
        // Models count differently, and the request may run on any of these.
        if (x.Facts.OtherModels.Count > 0 || Array.Exists(plan, d => d.Model != deployment.Model) || health.View.IsFailing(deployment, time.GetUtcNow()))
            return null;
        if (CountedPrompt.Of(x.Body.Span, keepsMaxTokens: deployment.Resource.Form == BodyForm.Bedrock) is not { } prompt
            || !RequestScanner.TryScan(prompt, x.Path with { Stream = false }, out var facts, out _))
            return null;
        await settler.CountedAsync(x, deployment);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop, x.Principal.Revoked);
        patience.CancelAfter(Patience);
        var content = UpstreamBody.For(x.Http.Request.Headers, Operation.CountTokens, deployment, facts, prompt);
        try
        {
            using var response = await upstream.SendAsync(
                x.Http.Request, Operation.CountTokens, deployment, facts, content, x.IdText, x.PrivateNetwork is not null, patience.Token);
            if (!response.IsSuccessStatusCode)
                return null;
            await response.Content.LoadIntoBufferAsync(MaxAnswer, patience.Token);
            return Read(await response.Content.ReadAsByteArrayAsync(patience.Token));
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            // Then its bytes have to do.
            return null;
        }
    }

    private static long? Read(byte[] answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            return json.RootElement.TryGetProperty("input_tokens", out var count) && count.TryGetInt64(out var tokens) && tokens is >= 0 and < int.MaxValue
                ? tokens + (tokens / MarginParts) + 1
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
