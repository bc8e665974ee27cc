using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Demarc.Control.Identity;

/// <summary>
/// What an issuer publishes, its discovery document and its keys: kept for a day, and read again when a token names a key that
/// they lack, which brings that about once a minute at most, whoever makes keys up. When the day is over and the issuer does not
/// answer, they hold for another one.
/// </summary>
internal sealed class IssuerDocument : IDisposable
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    // Whoever sends a token that names it has it asked: not more often than this while it does not answer.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly string _address;
    private readonly HttpDocumentRetriever _documents;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private volatile Reading? _last;
    private DateTimeOffset _lackedAt = DateTimeOffset.MinValue;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;
    private string _failure = "";

    /// <param name="discovery">The address under which <c>/.well-known/openid-configuration</c> is.</param>
    public IssuerDocument(Uri discovery, HttpClient http, TimeProvider time)
    {
        (_time, _address) = (time, $"{discovery.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration");
        // http:// is accepted by the configuration for loopback alone.
        _documents = new HttpDocumentRetriever(http) { RequireHttps = discovery.Scheme == "https" };
    }

    public void Dispose() => _reading.Dispose();

    /// <param name="lacking">What lacks a key that a token names; null for whatever is kept. It is answered itself where it may not be read again yet.</param>
    /// <exception cref="Exception">It cannot be read, and none is kept that still holds.</exception>
    public async Task<OpenIdConnectConfiguration> ReadAsync(OpenIdConnectConfiguration? lacking, CancellationToken stop)
    {
        if (_last is { } last && last.Document != lacking && _time.GetUtcNow() < last.At + Kept)
            return last.Document;
        await _reading.WaitAsync(stop);
        try
        {
            var now = _time.GetUtcNow();
            var kept = _last is { } before && now < before.At + (2 * Kept) ? before : null;
            var isFresh = kept is not null && now < kept.At + Kept;
            var lacks = kept is not null && kept.Document == lacking;
            if (isFresh && (!lacks || now - _lackedAt < AgainAfter))
                return kept!.Document;
            // An issuer that is away is not asked for each token, either.
            if (kept is not null && now - _failedAt < AgainAfter)
                return kept.Document;
            if (kept is null && now - _failedAt < Pause)
                throw new IOException(_failure);
            if (lacks)
                _lackedAt = now;
            try
            {
                return (_last = new Reading(await OpenIdConnectConfigurationRetriever.GetAsync(_address, _documents, stop), now)).Document;
            }
            catch (Exception e) when (!lacks && e is not OperationCanceledException)
            {
                (_failedAt, _failure) = (now, e.GetBaseException().Message);
                // What is kept holds on: an issuer that is away for an hour takes nobody's credential.
                if (kept is null)
                    throw;
                return kept.Document;
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    private sealed record Reading(OpenIdConnectConfiguration Document, DateTimeOffset At);
}
