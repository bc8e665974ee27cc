namespace Demarc.Storage;

/// <summary>What the two databases say in words of their own, as parts of statements.</summary>
public abstract partial class Store
{
    /// <summary>A table of the key store, as statements name it.</summary>
    internal abstract string KeyTable(string name);

    /// <summary>A column as the bytes that it is, also where somebody put text into it.</summary>
    internal abstract string AsBytes(string column);

    /// <summary>The condition on <c>r</c>, a row of the log, that the watermark <c>m</c> has passed it.</summary>
    internal abstract string IsPassed { get; }

    /// <summary>A table read by an index that the planner would not choose by itself.</summary>
    internal abstract string ByIndex(string table, string index);

    /// <summary>Whether a subquery in FROM may name columns of what stands before it.</summary>
    internal abstract bool HasLateral { get; }

    /// <summary>The condition on <c>replica</c> for those that will not finish what they have begun; <c>@self</c> is this one.</summary>
    internal abstract string DeadReplicas { get; }

    /// <summary>What follows FROM for records <c>r</c> that the projections have not followed yet.</summary>
    internal abstract string Unfollowed { get; }

    /// <summary>A subquery of the strings in a parameter that is a JSON array.</summary>
    internal abstract string TextsOfJson(string parameter);

    /// <summary>The condition that a column is one of the strings in a parameter that is a JSON array, however many.</summary>
    internal abstract string IsAmong(string column, string parameter);

    /// <summary>A subquery of the whole numbers in a parameter that is a JSON array.</summary>
    internal abstract string NumbersOfJson(string parameter);

    /// <summary>The condition that a column is one of thousands of whole numbers; the parameter's value is <see cref="NumbersValue"/>.</summary>
    internal abstract string IsAmongNumbers(string column, string parameter);

    /// <summary>Whole numbers as a parameter's value.</summary>
    internal abstract object NumbersValue(long[] numbers);
}
