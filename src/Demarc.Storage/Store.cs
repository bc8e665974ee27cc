using System.Data.Common;
using System.Globalization;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Content;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence;
using Demarc.Storage.Evidence.Merkle;
using Demarc.Storage.Journals;
using Demarc.Storage.Ledger;
using Demarc.Storage.Projections;
using Demarc.Storage.Retention;
using Demarc.Storage.Reviews;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage;

/// <summary>
/// All that Demarc keeps, in SQLite (one serving process) or PostgreSQL (any number of replicas).
/// One instance serves the whole process and is safe for concurrent use; disposing it first makes durable
/// what is queued.
/// </summary>
public abstract partial class Store : IEvidenceSink, IAsyncDisposable
{
    private readonly ContentKeys _contentKeys;
    private readonly CaptureHistory _history;

    static Store() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    private protected Store(MasterKey master, TimeProvider time, ILoggerFactory loggers)
    {
        Time = time;
        Replica = Ids.New("replica_", time);
        _contentKeys = new ContentKeys(this, master);
        _history = new CaptureHistory(this);
        Organizations = new Organizations(this);
        Users = new Users(this);
        ServiceAccounts = new ServiceAccounts(this);
        Groups = new Groups(this);
        Workspaces = new Workspaces(this);
        Projects = new Projects(this);
        ApiKeys = new ApiKeys(this, master);
        DeviceCodes = new DeviceCodes(this);
        SignIns = new SignIns(this);
        Identities = new Identities(this);
        RoleAssignments = new RoleAssignments(this);
        RoleRequests = new RoleRequests(this);
        PendingChanges = new PendingChanges(this);
        FederatedTokens = new FederatedTokens(this);
        ScimUsers = new ScimUsers(this);
        ScimGroups = new ScimGroups(this);
        Seats = new Seats(this);
        SamlAssertions = new SamlAssertions(this);
        Aliases = new Aliases(this);
        Boundaries = new BoundaryRegister(this);
        RateShares = HasReplicas ? new RateShares(this) : null;
        Breakers = new Breakers(this);
        Guesses = HasReplicas ? new Guesses(this) : null;
        Requests = new Requests(this);
        Changes = new Changes(this, loggers.CreateLogger<Changes>());
        Abuse = new AbuseLimits(time);
        Principals = new PrincipalDirectory(this, master, loggers.CreateLogger<PrincipalDirectory>());
        Activities = new Activities(this);
        Sessions = new Sessions(this);
        Spend = new SpendReports(this);
        Budgets = new Budgets(this);
        SpendLimits = new SpendLimits(this);
        IncreaseRequests = new IncreaseRequests(this);
        SpendAlerts = new SpendAlerts(this);
        Tree = new EvidenceTree(this);
        Checkpoints = new Checkpoints(this);
        Erasure = new Erasure(this);
        Exports = new ExportCursors(this);
        Listings = new DirectoryListings(this);
        ContentErasure = new ContentErasure(this);
        RecordErasure = new RecordErasure(this);
        LedgerErasure = new LedgerErasure(this);
        PersonErasure = new PersonErasure(this);
        LegalHolds = new LegalHolds(this);
        Reviews = new ReviewRegister(this);
        Projector = new Projector(this, loggers.CreateLogger<Projector>());
        LateRecords = new LateRecords(this, loggers.CreateLogger<LateRecords>());
    }

    /// <summary>This process, in <see cref="BegunRecord.Replica"/>: <c>replica_…</c>, new at each start.</summary>
    public string Replica { get; }

    public Organizations Organizations { get; }

    public Users Users { get; }

    public ServiceAccounts ServiceAccounts { get; }

    public Groups Groups { get; }

    public Workspaces Workspaces { get; }

    public Projects Projects { get; }

    public ApiKeys ApiKeys { get; }

    /// <summary>Machines that wait for somebody to sign in.</summary>
    public DeviceCodes DeviceCodes { get; }

    /// <summary>People signed in on machines.</summary>
    public SignIns SignIns { get; }

    /// <summary>People by what identity providers say of them.</summary>
    public Identities Identities { get; }

    /// <summary>Roles that are data.</summary>
    public RoleAssignments RoleAssignments { get; }

    /// <summary>Roles that people ask to have for a time.</summary>
    public RoleRequests RoleRequests { get; }

    /// <summary>Changes that wait for a second administrator.</summary>
    public PendingChanges PendingChanges { get; }

    /// <summary>Short-lived tokens of workloads.</summary>
    public FederatedTokens FederatedTokens { get; }

    /// <summary>People as a directory reads and writes them.</summary>
    public ScimUsers ScimUsers { get; }

    /// <summary>Groups as a directory reads and writes them.</summary>
    public ScimGroups ScimGroups { get; }

    /// <summary>Who may sign in, where that is counted.</summary>
    public Seats Seats { get; }

    /// <summary>Assertions of identity providers, each once.</summary>
    public SamlAssertions SamlAssertions { get; }

    public Aliases Aliases { get; }

    /// <summary>Data paths as they were declared, and what was checked of them.</summary>
    public BoundaryRegister Boundaries { get; }

    /// <summary>How replicas share rates; null where there is one process.</summary>
    public RateShares? RateShares { get; }

    /// <summary>Which deployments fail, from replica to replica.</summary>
    public Breakers Breakers { get; }

    /// <summary>What strangers try, from replica to replica; null where there is one process.</summary>
    public Guesses? Guesses { get; }

    /// <summary>What is on record of one request.</summary>
    public Requests Requests { get; }

    /// <summary>What changed in the directory, in whichever process; run it in a serving process.</summary>
    public Changes Changes { get; }

    /// <summary>What strangers may try, as this process counts it.</summary>
    public AbuseLimits Abuse { get; }

    /// <summary>Principals by key, for the request path.</summary>
    public PrincipalDirectory Principals { get; }

    public Activities Activities { get; }

    public Sessions Sessions { get; }

    public SpendReports Spend { get; }

    public Budgets Budgets { get; }

    public SpendLimits SpendLimits { get; }

    public IncreaseRequests IncreaseRequests { get; }

    public SpendAlerts SpendAlerts { get; }

    /// <summary>The log as Merkle trees.</summary>
    public EvidenceTree Tree { get; }

    /// <summary>What was said of the trees, and by which keys.</summary>
    public Checkpoints Checkpoints { get; }

    /// <summary>Takes records out of the log.</summary>
    public Erasure Erasure { get; }

    /// <summary>The directory as auditors read it.</summary>
    public DirectoryListings Listings { get; }

    /// <summary>How far destinations of exports have come.</summary>
    public ExportCursors Exports { get; }

    /// <summary>Records that are past their retention.</summary>
    public RecordErasure RecordErasure { get; }

    /// <summary>The ledger and the directory, past their retention.</summary>
    public LedgerErasure LedgerErasure { get; }

    /// <summary>What must not be destroyed.</summary>
    public LegalHolds LegalHolds { get; }

    /// <summary>Who may open captured content, and why.</summary>
    public ReviewRegister Reviews { get; }

    internal ContentErasure ContentErasure { get; }

    internal PersonErasure PersonErasure { get; }

    /// <summary>Follows the log and writes what is derived from it; run it in a serving process.</summary>
    public Projector Projector { get; }

    /// <summary>Records that did not become durable when they came; run it in a serving process.</summary>
    public LateRecords LateRecords { get; }

    public TimeProvider Time { get; }

    internal long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The type of the event that names a span in which the store took nothing, and records waited in a replica's journal.</summary>
    public const string JournalCaughtUp = "demarc_journal_caught_up";

    /// <summary>Seconds for what requests wait for: a server that says nothing for longer is asked again on another connection.</summary>
    internal const int Soon = 5;

    /// <summary>Raised after records became durable in this process. Handlers return at once.</summary>
    internal event Action? Appended;

    /// <summary>
    /// Opens the store, creating or migrating it under a lock that other processes wait for.
    /// </summary>
    /// <param name="url">
    /// <c>sqlite:data/demarc.db</c> (content keys go to <c>keys.db</c> beside it, what is derived to <c>derived.db</c>), or
    /// <c>postgres://user:password@host:5432/database?sslmode=require</c>.
    /// </param>
    /// <exception cref="StoreException">The address is not one of these, or the store is newer than this program.</exception>
    public static async Task<Store> OpenAsync(string url, MasterKey master, TimeProvider time, ILoggerFactory loggers)
    {
        if (url.StartsWith("sqlite:", StringComparison.Ordinal))
            return await SqliteStore.OpenAtAsync(url["sqlite:".Length..], master, time, loggers).ConfigureAwait(false);
        if (url.StartsWith("postgres:", StringComparison.Ordinal) || url.StartsWith("postgresql:", StringComparison.Ordinal))
            return await PostgresStore.OpenAtAsync(PostgresUrl.ConnectionString(new Uri(url)), null, master, time, loggers).ConfigureAwait(false);
        throw new StoreException("The store is neither sqlite:FILE nor postgres://USER:PASSWORD@HOST/DATABASE.");
    }

    /// <summary>Opens the embedded store in a file; content keys go to <c>keys.db</c> beside it.</summary>
    public static async Task<Store> OpenSqliteAsync(string path, MasterKey master, TimeProvider time, ILoggerFactory loggers) =>
        await SqliteStore.OpenAtAsync(path, master, time, loggers).ConfigureAwait(false);

    /// <summary>Opens a PostgreSQL store by Npgsql's connection string.</summary>
    /// <param name="password">Asked for with each new connection; null where the connection string has it.</param>
    public static async Task<Store> OpenPostgresAsync(
        string connectionString, Func<CancellationToken, ValueTask<string>>? password, MasterKey master, TimeProvider time, ILoggerFactory loggers) =>
        await PostgresStore.OpenAtAsync(connectionString, password, master, time, loggers).ConfigureAwait(false);

    /// <summary>Records something that happened; the task completes when it is durable.</summary>
    public Task RecordAsync(string organizationId, ActorRecord actor, string type, Dictionary<string, string?> fields) =>
        WriteAsync(async transaction =>
        {
            await transaction.RecordAsync(organizationId, actor, type, fields).ConfigureAwait(false);
            return true;
        });

    /// <summary>
    /// Makes records durable in a journal of this process first, and lets the store take them from there; what a process before it
    /// left there is taken at once. SQLite has its own.
    /// </summary>
    /// <param name="folder">On a disk that outlives the process, and that no other process uses.</param>
    /// <exception cref="StoreException">Another process has that journal, or it cannot be written.</exception>
    public virtual Task UseJournalAsync(string folder) => Task.CompletedTask;

    /// <summary>The database server's clock; null where the store is this machine's own.</summary>
    public virtual Task<DateTimeOffset?> ClockAsync() => Task.FromResult<DateTimeOffset?>(null);

    /// <summary>Lets a role of the database serve from the store: read and write what is there, and change no table.</summary>
    /// <exception cref="StoreException">The store is no PostgreSQL, or has no such role.</exception>
    public virtual Task GrantAsync(string role) => throw new StoreException("The embedded store has no roles.");

    /// <summary>False while the journal is full, as the store takes nothing: no request can be answered.</summary>
    public bool TakesRecords => RecordJournal?.HasRoom ?? true;

    /// <summary>Where records become durable first, in a process that serves; null where the store itself makes them so.</summary>
    internal JournalWriter? RecordJournal { get; private protected set; }

    public abstract Task AppendAsync(EvidenceRecord record);

    public abstract void Hurry();

    public void Later(EvidenceRecord record) => LateRecords.Add(record);

    public ValueTask<ContentKey> ContentKeyAsync(string organizationId, string sessionId, DateOnly day) =>
        _contentKeys.GetAsync(organizationId, sessionId, day);

    public Task<CapturedHistory> HistoryAsync(string organizationId, string sessionId, long? after) => _history.ReadAsync(organizationId, sessionId, after);

    /// <summary>
    /// The content key of a session and UTC day, for reading: null when there is none, or when it was destroyed. Asks the
    /// store each time, so that what was erased stays closed.
    /// </summary>
    public Task<ContentKey?> ExistingContentKeyAsync(string organizationId, string sessionId, DateOnly day) =>
        _contentKeys.FindAsync(organizationId, sessionId, day);

    /// <summary>This process seals nothing more with the keys of these sessions that it remembers.</summary>
    internal void ForgetContentKeys(IReadOnlyCollection<string> sessions) => _contentKeys.Forget(sessions);

    /// <summary>
    /// Runs a write in one transaction; the task completes when it is durable. The delegate awaits nothing but its
    /// own transaction: on SQLite it runs on the writer's thread, together with whatever else is queued.
    /// When it throws, nothing of it is kept.
    /// </summary>
    internal abstract Task<T> WriteAsync<T>(Func<StoreTransaction, Task<T>> write);

    /// <summary>The same for the tables derived from the log, which on SQLite are a file of their own.</summary>
    /// <param name="within">Seconds that a server may be silent for; null for as long as the database's library waits by itself.</param>
    internal abstract Task<T> WriteDerivedAsync<T>(Func<StoreTransaction, Task<T>> write, int? within = null);

    /// <summary>Uses no connection again that was there before: of a server that fell silent, none is told that it is dead.</summary>
    internal virtual void ForgetConnections()
    {
    }

    /// <summary>Leaves nothing of what was erased where the store keeps what it has written lately; without a promise while others read.</summary>
    internal virtual Task CutAsync() => Task.CompletedTask;

    /// <summary>A connection for reading, outside of any transaction.</summary>
    internal abstract Task<DbConnection> OpenReadAsync();

    /// <summary>The same beside one that is open, for more of what that one has read of: waits for nothing that came since.</summary>
    internal virtual Task<DbConnection> OpenReadBesideAsync() => OpenReadAsync();

    /// <summary>The next rows of the log after a place in it, in the log's order, none missing before the last.</summary>
    internal abstract Task<LogRow[]> ReadLogAsync(LogPlace after, int limit);

    /// <summary>Waits to become the one process that does something; disposing the result gives that up.</summary>
    internal abstract Task<Lead> LeadAsync(Leadership what, CancellationToken stop);

    /// <summary>Whether the store still has this process as the one that does something; one that stood still may believe it.</summary>
    internal virtual Task<bool> LeadsAsync(Leadership what) => Task.FromResult(true);

    /// <summary>Says that this replica lives.</summary>
    internal abstract Task BeatAsync();

    /// <summary>Whether other processes may serve from this store at the same time.</summary>
    internal abstract bool HasReplicas { get; }

    /// <summary>Signals <paramref name="changed"/> when another process changes the directory, where the store can tell.</summary>
    internal abstract Task ListenAsync(Action changed, CancellationToken stop);

    public abstract ValueTask DisposeAsync();

    /// <summary>Completes when all that was durable before can be read from the tables.</summary>
    internal Task SettledAsync() => RecordJournal?.TakenAsync() ?? Task.CompletedTask;

    /// <param name="within">Seconds; null for as long as the database's library waits by itself.</param>
    internal async Task<T[]> QueryAsync<T>(string sql, object? parameters = null, int? within = null)
    {
        var connection = await OpenReadAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return [.. await connection.QueryAsync<T>(sql, parameters, commandTimeout: within).ConfigureAwait(false)];
    }

    /// <inheritdoc cref="QueryAsync{T}(string, object?, int?)"/>
    internal async Task<T?> FindAsync<T>(string sql, object? parameters = null, int? within = null)
    {
        var connection = await OpenReadAsync().ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await connection.QueryFirstOrDefaultAsync<T>(sql, parameters, commandTimeout: within).ConfigureAwait(false);
    }

    /// <summary>That records waited in the journal is an event of its own: whoever reads them knows why they came late.</summary>
    private protected async Task RecordAsync(JournalWindow window)
    {
        foreach (var organization in window.Organizations)
        {
            await RecordAsync(organization, new ActorRecord("system", Replica), JournalCaughtUp, new()
            {
                ["from"] = Rfc3339(window.From),
                ["to"] = Rfc3339(window.To),
                ["records"] = window.Records.ToString(CultureInfo.InvariantCulture),
            }).ConfigureAwait(false);
        }

        static string Rfc3339(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }

    private protected void RaiseAppended() => Appended?.Invoke();
}
