using Demarc.Control.Configuration;
using Demarc.Control.Retention;
using Demarc.Control.Reviews;

namespace Demarc.Serving;

/// <summary>What ends what is kept, and what keeps it longer.</summary>
internal static class RetentionServing
{
    public static void AddRetention(this IServiceCollection services, RetentionConfig config, Installation installation)
    {
        services.AddSingleton(config);
        services.AddSingleton(installation.Journal);
        services.AddSingleton<RetentionSweep>();
        services.AddSingleton<RetentionBoundary>();
        services.AddSingleton<HoldEndpoints>();
        services.AddSingleton<PersonEndpoints>();
        services.AddSingleton<ReviewEndpoints>();
        services.AddSingleton<ContentAccess>();
        services.AddSingleton(new PseudonymKey(installation.Master.Derive(PseudonymKey.Purpose)));
        services.AddHostedService<RetentionSchedule>();
    }
}
