namespace Demarc.Bench;

/// <summary>One way to the simulator.</summary>
/// <param name="Name">As reports show it.</param>
/// <param name="Headers">What its requests carry beside what all do: the credential, as <c>name: value</c>.</param>
internal sealed record Target(string Name, Uri Url, params string[] Headers)
{
    public const string Direct = "direct";
    public const string PassThrough = "pass-through";
    public const string Nginx = "nginx";
    public const string Sqlite = "demarc-sqlite";
    public const string Postgres = "demarc-postgres";

    /// <summary>On SQLite, its folder in memory: no record outlives the machine.</summary>
    public const string Volatile = "demarc-volatile";

    /// <summary><c>claude gateway</c> with a spend limit over everybody.</summary>
    public const string Vendor = "vendor-gateway";

    /// <summary>Portkey's gateway, which neither authenticates nor records.</summary>
    public const string Portkey = "portkey";

    public static string Key(string key) => "x-api-key: " + key;

    public static string Token(string token) => "authorization: Bearer " + token;
}
