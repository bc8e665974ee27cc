using System.Text.RegularExpressions;

namespace Demarc.Tests.Harness;

/// <summary>A mapped route as a request for something that is not there.</summary>
internal static partial class RoutePaths
{
    // The clouds' paths end in a model and what is asked of it.
    public static (string Method, string Path) Concrete(string route) =>
        (route.Split(' ')[0], Parameter().Replace(
            route.Split(' ')[1]
                .Replace("/publishers/anthropic/models/{**rest}", "/publishers/anthropic/models/absent:rawPredict", StringComparison.Ordinal)
                .Replace("/model/{**rest}", "/model/absent/invoke", StringComparison.Ordinal),
            "absent"));

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
