using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>What shows the log of records to others and has it witnessed.</summary>
internal static class EvidenceLog
{
    public static void AddEvidenceLog(this IServiceCollection services, LogConfig config, Store store, MasterKey master)
    {
        services.AddSingleton(config);
        services.AddSingleton(new LogSigner(store, master));
        services.AddSingleton<LogEndpoints>();
        services.AddSingleton<LogGate>();
        services.AddSingleton(s => new Witness(new SocketsHttpHandler(), s.GetRequiredService<ExportWays>(), store.Time));
        services.AddHostedService<WitnessSchedule>();
    }
}
