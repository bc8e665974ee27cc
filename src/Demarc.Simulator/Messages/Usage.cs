namespace Demarc.Simulator.Messages;

/// <summary>Tokens of a prompt, a quarter of its bytes, split as a prompt cache would.</summary>
/// <param name="Input">Tokens past the last breakpoint: neither written to nor read from the cache.</param>
/// <param name="CacheOneHour">Whether what was written is held for one hour rather than five minutes.</param>
/// <param name="Geo">JSON-escaped <c>inference_geo</c>.</param>
internal readonly record struct Usage(int Input, int CacheCreation, int CacheRead, bool CacheOneHour, ReadOnlyMemory<byte> Geo)
{
    public int Total => Input + CacheCreation + CacheRead;
}
