using Demarc.Governance.Boundaries;

namespace Demarc.Control.Contracts;

/// <summary>
/// The templates of the register of information (Commission Implementing Regulation (EU) 2024/2956, annex I) that a gateway
/// knows something of, with all their columns; what it does not know stays empty. Providers stand under the name that
/// Demarc has for them, in place of their LEI or EUID.
/// </summary>
public static class DoraRegister
{
    // As the annex words it.
    private const string LegalPerson = "Legal person, excluding individual acting in a business capacity";

    public static NamedTable[] Tables(ContractRegister register) => [Arrangements(register), Details(register), Providers(register), Chains(register)];

    private static NamedTable Arrangements(ContractRegister register) => new(
        "B_02.01",
        Columns("B_02.01", "Contractual arrangement reference number", "Type of contractual arrangement", "Overarching contractual arrangement reference number", "Currency", "Annual expense or estimated cost"),
        [.. register.Agreements.Select(r => new[] { r.Agreement.Name, "", "", "", "" })]);

    // A line for each agreement and place: where it is used in two, both are to be reported.
    private static NamedTable Details(ContractRegister register) => new(
        "B_02.02",
        Columns(
            "B_02.02", "Contractual arrangement reference number", "LEI of the entity making use of the ICT service(s)", "Identification code of the ICT third-party service provider",
            "Type of code", "Function identifier", "Type of ICT services", "Start date", "End date", "Reason of the termination or ending", "Notice period for the financial entity",
            "Notice period for the ICT third-party service provider", "Country of the governing law", "Country of provision of the ICT services", "Storage of data",
            "Location of the data at rest (storage)", "Location of management of the data (processing)", "Sensitiveness of the data stored", "Level of reliance"),
        [.. register.Agreements.SelectMany(r => r.Deployments.DefaultIfEmpty().Select(d => new[]
        {
            r.Agreement.Name, "", r.Agreement.Party, "", "", "", ContractRegister.Day(r.Agreement.From), ContractRegister.Day(r.Agreement.Until), "", "", "", "",
            Country(d, Hop.Inference), Stored(r, d, register.At), Stored(r, d, register.At) == "Yes" ? Country(d, Hop.Storage) : "", Country(d, Hop.Inference), "", "",
        })).DistinctBy(row => string.Join('\n', row))]);

    private static NamedTable Providers(ContractRegister register) => new(
        "B_05.01",
        Columns(
            "B_05.01", "Identification code of ICT third-party service provider", "Type of code", "Additional identification code", "Type of additional identification code", "Legal name",
            "Name in Latin alphabet", "Type of person", "Country of the headquarters", "Currency", "Total annual expense or estimated cost",
            "Identification code of the ultimate parent undertaking", "Type of code of the ultimate parent undertaking"),
        [.. register.Agreements.Select(r => r.Agreement.Party).Concat(register.Processors.Select(p => p.Party)).Distinct().Where(FactKinds.Parties.Contains)
            .Select(party => new[] { party, "", "", "", "", Name(party), LegalPerson, "", "", "", "", "" })]);

    // Rank 1 is who the agreement is with; who processes for them without an agreement of its own is rank 2.
    private static NamedTable Chains(ContractRegister register) => new(
        "B_05.02",
        Columns(
            "B_05.02", "Contractual arrangement reference number", "Type of ICT services", "Identification code of the ICT third-party service provider", "Type of code", "Rank",
            "Identification code of the recipient of sub-contracted ICT services", "Type of code of the recipient"),
        [.. register.Agreements.SelectMany(r => register.Processors
            .Where(p => r.Deployments.Contains(p.Deployment) && p.Agreements.Length == 0 && p.Party != r.Agreement.Party && FactKinds.Parties.Contains(p.Party))
            .Select(p => p.Party).Distinct()
            .Select(party => new[] { r.Agreement.Name, "", party, "", "2", r.Agreement.Party, "" })
            .Prepend([r.Agreement.Name, "", r.Agreement.Party, "", "1", "", ""]))]);

    private static string[] Columns(string table, params string[] names) => [.. names.Select((name, i) => $"{table}.{(i + 1) * 10:0000} {name}")];

    private static string Stored(RegisteredAgreement registered, DeploymentSnapshot? deployment, DateTimeOffset at) =>
        deployment is null || !deployment.Boundary[Hop.Storage, FactKind.Processor].Has(registered.Agreement.Party) ? ""
        : registered.Agreement.Zdr?.Holds(at) is true && deployment.Boundary[Hop.Storage, FactKind.Zdr] is { IsSettled: true, Value: not "no" } ? "No"
        : "Yes";

    // The annex wants a country: "eu" and "global" are none.
    private static string Country(DeploymentSnapshot? deployment, Hop hop)
    {
        var place = deployment?.Boundary[hop, FactKind.Geography] is { IsSettled: true, Value: { } value } ? value.Split('/')[0] : "";
        return place.Length == 2 && place != "eu" ? place.ToUpperInvariant() : "";
    }

    private static string Name(string party) => party switch
    {
        "aws" => "Amazon Web Services",
        _ => char.ToUpperInvariant(party[0]) + party[1..],
    };
}
