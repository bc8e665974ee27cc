namespace Demarc.Bench.Latency;

/// <summary>Measured values, and where they lie.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];
    private bool _sorted;

    public int Count => _values.Count;

    public double P50 => Percentile(0.50);

    public double P99 => Percentile(0.99);

    public void Add(double value)
    {
        _values.Add(value);
        _sorted = false;
    }

    /// <summary>Nearest rank; 0 without values.</summary>
    public double Percentile(double of)
    {
        if (_values.Count == 0)
            return 0;
        if (!_sorted)
            _values.Sort();
        _sorted = true;
        return _values[Math.Clamp((int)Math.Ceiling(of * _values.Count) - 1, 0, _values.Count - 1)];
    }
}
