using System.CommandLine;
using System.CommandLine.Invocation;
using Demarc.Commands;

var root = new RootCommand("Demarc: a gateway and control plane for Claude that decides, enforces, records and proves where each request runs.")
{
    ServeCommand.Create(),
    ConfigCommands.Create(),
    KeyCommands.Create(),
    UserCommands.Create(),
    SignInCommands.Create(),
    SeatCommands.Create(),
    ServiceAccountCommands.Create(),
    GroupCommands.Create(),
    WorkspaceCommands.Create(),
    ProjectCommands.Create(),
    AliasCommands.Create(),
    LimitCommands.Create(),
    ClientCommands.Create(),
    ResourceCommands.Create(),
    WhereCommand.Create(),
    AdviseCommand.Create(),
    ExplainCommand.Create(),
    ReceiptCommand.Create(),
    VerifyCommand.Create(),
    LogCommands.Create(),
    ContractsCommand.Create(),
    CatalogCommands.CreateModel(),
    CatalogCommands.CreateCatalog(),
    CostCommand.Create(),
    SpendCommands.CreateUnits(),
    SpendCommands.CreateCommitments(),
    SpendCommands.CreateExport(AuditExportCommand.Create(), SiemCommands.Create()),
    ReconcileCommand.Create(),
    RoleCommands.Create(),
    AccessCommands.Create(),
    DoctorCommand.Create(),
    StoreCommands.Create(),
    BackupCommands.CreateBackup(),
    BackupCommands.CreateRestore(),
    RetentionCommands.Create(),
    HoldCommands.Create(),
    PersonCommands.Create(),
    ReviewCommands.Create(),
};
// An argument that begins with @ is an argument, not a file of them.
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Action is ParseErrorAction || CommandRun.UnknownOption(parsed) is not null)
    return CommandRun.WrongUsage(parsed);
// Without a time limit of the parser's own, which is two seconds: answers under way have the time that the configuration gives them.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
