using System.Text.Json;
using Demarc.Control.AdminApi;

namespace Demarc.Control.Backups;

/// <summary>One file of a backup.</summary>
/// <param name="Name">Relative, with slashes.</param>
/// <param name="Sha256">Hex.</param>
public sealed record BackupFile(string Name, long Bytes, string Sha256);

/// <summary><c>backup.json</c>: what a backup holds, written last.</summary>
/// <param name="MadeAt">RFC 3339.</param>
/// <param name="Checkpoint">The log's signed checkpoint when the backup was made: a restored store has to lead to it.</param>
/// <param name="Files">Those of <c>store</c> and <c>content</c>.</param>
/// <param name="Keys">Those of the keys' own directory.</param>
public sealed record BackupManifest(int Format, string Version, string MadeAt, string OrganizationId, string Checkpoint, BackupFile[] Files, BackupFile[] Keys)
{
    public const int CurrentFormat = 1;

    public const string FileName = "backup.json";

    private static readonly JsonSerializerOptions Readable = new(AdminAnswer.Wire) { WriteIndented = true };

    /// <exception cref="BackupException">It is missing, or no manifest that this program reads.</exception>
    public static BackupManifest Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            throw new BackupException($"{directory} is no backup: it has no {FileName}, which is written last.");
        try
        {
            var manifest = JsonSerializer.Deserialize<BackupManifest>(File.ReadAllBytes(path), Readable);
            return manifest is { Format: CurrentFormat, Files: not null, Keys: not null } ? manifest
                : throw new BackupException($"{path} is of format {manifest?.Format}, and this program reads {CurrentFormat}: restore with the version that made it ({manifest?.Version}).");
        }
        catch (JsonException e)
        {
            throw new BackupException($"{path} cannot be read: {e.Message}");
        }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Readable);
}

/// <summary>A backup cannot be made or restored; the message says what to do.</summary>
public sealed class BackupException(string message) : Exception(message);
