using Demarc.Control.Configuration;
using Demarc.Control.Retention;

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
        services.AddHostedService<RetentionSchedule>();
    }
}
