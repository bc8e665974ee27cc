using System.Text;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Directory;

/// <summary>A data path on record.</summary>
/// <param name="Document">JSON (<see cref="BoundaryDocument"/>).</param>
public sealed record StoredBoundary(string Id, byte[] Document);

/// <summary>Data paths by id, and the last check of each deployment.</summary>
public sealed class BoundaryRegister
{
    private readonly Store _store;

    internal BoundaryRegister(Store store) => _store = store;

    /// <summary>Puts data paths on record, each once, with an event of its own; the task completes when they are durable.</summary>
    /// <param name="inForce">Hashes of what declares them.</param>
    public Task DeclareAsync(string organizationId, IReadOnlyCollection<DeploymentSnapshot> deployments, ReceiptRecord inForce, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            foreach (var deployment in deployments)
            {
                var document = BoundaryDocument.Of(deployment);
                var made = await transaction.ExecuteAsync(
                    """
                    INSERT INTO boundaries (organization_id, id, deployment, declared_at, document)
                    VALUES (@organizationId, @BoundaryId, @FullName, @Now, @document)
                    ON CONFLICT (organization_id, id) DO NOTHING
                    """,
                    new { organizationId, deployment.BoundaryId, deployment.FullName, _store.Now, document }).ConfigureAwait(false);
                if (made == 0)
                    continue;
                await transaction.RecordAsync(organizationId, actor, "demarc_boundary_declared", new()
                {
                    ["boundary"] = deployment.BoundaryId,
                    ["deployment"] = deployment.FullName,
                    ["policy"] = inForce.Policy,
                    ["catalog"] = inForce.Catalog,
                    ["configuration"] = inForce.Configuration,
                    ["document"] = Encoding.UTF8.GetString(document),
                }).ConfigureAwait(false);
            }
            return true;
        });

    /// <summary>The data paths of these ids that are on record.</summary>
    public Task<StoredBoundary[]> FindAsync(string organizationId, IEnumerable<string> ids) =>
        _store.QueryAsync<StoredBoundary>(
            $"SELECT id, document FROM boundaries WHERE organization_id = @organizationId AND id IN {_store.TextsOfJson("ids")}",
            new { organizationId, ids = JsonSerializer.Serialize(ids) });

    /// <summary>The last check of each deployment, by its full name.</summary>
    public async Task<Dictionary<string, BoundaryCheck>> ChecksAsync(string organizationId)
    {
        var rows = await _store.QueryAsync<byte[]>(
            "SELECT body FROM boundary_checks WHERE organization_id = @organizationId", new { organizationId }).ConfigureAwait(false);
        return rows.Select(row => JsonSerializer.Deserialize(row, RecordJson.Default.BoundaryCheck)!).ToDictionary(c => c.Deployment, StringComparer.Ordinal);
    }

    /// <summary>Keeps a check in place of the one before. A recorded change, which every replica follows.</summary>
    public Task KeepAsync(string organizationId, BoundaryCheck check, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        await transaction.ExecuteAsync(
            """
            INSERT INTO boundary_checks (organization_id, deployment, checked_at, body)
            VALUES (@organizationId, @Deployment, @at, @body)
            ON CONFLICT (organization_id, deployment) DO UPDATE SET checked_at = excluded.checked_at, body = excluded.body
            """,
            new
            {
                organizationId,
                check.Deployment,
                at = check.At.ToUnixTimeMilliseconds(),
                body = JsonSerializer.SerializeToUtf8Bytes(check, RecordJson.Default.BoundaryCheck),
            }).ConfigureAwait(false);
        await transaction.ChangeAsync(organizationId, actor, check.Holds ? "demarc_boundary_verified" : BoundaryCheck.MismatchEvent, new()
        {
            ["deployment"] = check.Deployment,
            ["declaration"] = check.Declaration,
            ["source"] = check.Source,
            ["observed"] = check.Observed ? "true" : "false",
            ["mismatch"] = check.Holds ? null : check.Mismatch,
            ["facts"] = string.Join("; ", check.Facts.Select(f => $"{f.Name}: {f.Found}")),
        }).ConfigureAwait(false);
        return true;
    });
}
