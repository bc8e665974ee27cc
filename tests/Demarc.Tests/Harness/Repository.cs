using Xunit;

namespace Demarc.Tests.Harness;

/// <summary>Files of the repository that a test reads or runs as they are.</summary>
internal static class Repository
{
    /// <summary>The folder that holds <c>Demarc.slnx</c>.</summary>
    public static string Root { get; } = Find();

    /// <summary>The path of a file or folder of the repository.</summary>
    public static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Demarc.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests run outside of the repository: no folder above them holds Demarc.slnx.");
    }
}

/// <summary>What a test needs and a machine may lack: it skips on a laptop and fails under <c>CI=true</c>.</summary>
internal static class Component
{
    /// <param name="present">Whether the component is there.</param>
    /// <param name="missing">What is missing and how to get it.</param>
    public static void Require(bool present, string missing)
    {
        if (present)
            return;
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail(missing);
        Assert.Skip(missing);
    }

    /// <summary>A file under <c>tests/clients/node_modules</c>.</summary>
    public static string Npm(string file)
    {
        var path = Repository.Path("tests", "clients", "node_modules", file);
        Require(File.Exists(path), $"{file} is not installed (./test installs it, or npm ci in tests/clients)");
        return path;
    }
}
