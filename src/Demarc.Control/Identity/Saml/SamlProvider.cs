using System.Security.Cryptography;
using System.Xml;
using Demarc.Control.Configuration;

namespace Demarc.Control.Identity.Saml;

/// <summary>An identity provider, as its metadata has it now: a file that changes is read again, so that a certificate is rolled over without a restart.</summary>
internal sealed class SamlProvider(SamlProviderConfig config)
{
    private readonly Lock _turn = new();
    private SamlMetadata? _metadata;
    private DateTime _writtenAt;

    public SamlProviderConfig Config { get; } = config;

    /// <summary>The last metadata that could be read.</summary>
    public SamlMetadata Current()
    {
        lock (_turn)
        {
            var written = File.GetLastWriteTimeUtc(Config.Metadata);
            if (_metadata is not null && written == _writtenAt)
                return _metadata;
            try
            {
                _metadata = SamlMetadata.Read(File.ReadAllBytes(Config.Metadata), Config.Post);
                _writtenAt = written;
            }
            catch (Exception e) when (_metadata is not null && e is IOException or UnauthorizedAccessException or XmlException or CryptographicException or FormatException)
            {
                // Half written: what held so far holds on, and it is read again next time.
            }
            return _metadata!;
        }
    }
}
