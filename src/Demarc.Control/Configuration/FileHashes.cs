using System.Security.Cryptography;

namespace Demarc.Control.Configuration;

/// <summary>Files by absolute path, each with the hash of what was read from it.</summary>
internal sealed class FileHashes
{
    private const string Unreadable = "-";

    private readonly SortedDictionary<string, string> _hashes = new(StringComparer.Ordinal);

    /// <summary>Reads a file and remembers what it held; what reading throws is remembered and passes.</summary>
    public byte[] Read(string path, Func<string, byte[]> readFile)
    {
        _hashes[path] = Unreadable;
        var bytes = readFile(path);
        _hashes[path] = Convert.ToHexString(SHA256.HashData(bytes));
        return bytes;
    }

    /// <summary>
    /// The same files as they are now. Contents are compared, not times: an atomic rename and Kubernetes'
    /// swapped links may keep both time and length, and these files are small.
    /// </summary>
    public FileHashes Again(Func<string, byte[]> readFile)
    {
        var now = new FileHashes();
        foreach (var path in _hashes.Keys)
        {
            try
            {
                now.Read(path, readFile);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Remembered as unreadable.
            }
        }
        return now;
    }

    public bool Same(FileHashes other) => _hashes.SequenceEqual(other._hashes);
}
